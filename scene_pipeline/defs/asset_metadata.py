"""What every asset tells Dagster: row counts, schema, owners and data version."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from scene_pipeline.files import sha256_file

OWNERS = ["team:catalog"]


def warning_check(name: str, passed: bool, text: str, **figures: Any) -> dg.AssetCheckResult:
    """Return the result of a check that warns and blocks nothing. A figure that is None is left out."""
    severity = dg.AssetCheckSeverity.WARN
    figures = {key: value for key, value in figures.items() if value is not None}
    return dg.AssetCheckResult(check_name=name, passed=passed, severity=severity, description=text, metadata=figures)


def table_result(
    path: Path,
    table: pa.Table,
    metadata: Mapping[str, Any] | None = None,
    *,
    asset_key: str | None = None,
    checks: Sequence[dg.AssetCheckResult] = (),
    data_version: str | None = None,
) -> dg.MaterializeResult:
    """Describe a table that an asset wrote to `path`: its rows, schema, size and content version."""
    schema = dg.TableSchema(columns=[dg.TableColumn(name=field.name, type=str(field.type)) for field in table.schema])
    return dg.MaterializeResult(
        asset_key=asset_key,
        metadata={
            "dagster/row_count": table.num_rows,
            "dagster/column_schema": schema,
            "path": dg.MetadataValue.path(path),
            "size": path.stat().st_size,
            **(metadata or {}),
        },
        data_version=dg.DataVersion(data_version or sha256_file(path)),
        check_results=list(checks),
    )
