"""Every standard check, on a sound bundle and on one broken in the way the check is for."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scene_pipeline.bundle import BundleWriter, Check, CheckResult, ManifestFields, checks
from scene_pipeline.errors import BundleError

WriteFiles = Callable[..., ManifestFields]
Spoil = Callable[[Path, ManifestFields], ManifestFields]


@pytest.fixture
def check_of(tmp_path: Path, write_bundle_files: WriteFiles) -> Callable[..., CheckResult]:
    def run(check: Check, spoil: Spoil | None = None) -> CheckResult:
        with BundleWriter(tmp_path / "bundles") as writer:
            fields = write_bundle_files(writer.folder)
            return check(writer.seal(spoil(writer.folder, fields) if spoil else fields))

    return run


def _table(change: Callable[[pa.Table], pa.Table]) -> Spoil:
    def spoil(folder: Path, fields: ManifestFields) -> ManifestFields:
        path = folder / "products.parquet"
        pq.write_table(change(pq.read_table(path)), path)
        return fields

    return spoil


def _repeat_an_id(table: pa.Table) -> pa.Table:
    ids = table.column("product_id").to_pylist()
    return table.set_column(0, table.schema.field(0), pa.array([ids[1], *ids[1:]]))


def _nan_vector(folder: Path, fields: ManifestFields) -> ManifestFields:
    vectors = np.load(folder / "vectors.npy")
    vectors[7, 0] = np.nan
    np.save(folder / "vectors.npy", vectors)
    return fields


def _counts(**counts: int) -> Spoil:
    return lambda folder, fields: msgspec.structs.replace(fields, counts={**fields.counts, **counts})


@pytest.mark.parametrize(
    "check",
    [
        checks.products,
        checks.rows,
        checks.vectors,
        checks.index_recall(0.9),
        checks.size_change(None, 0.2, 0.5),
        checks.size_change(55, 0.2, 0.5),
        checks.image_share(0.5),
        checks.smoke(lambda folder: 3),
    ],
)
def test_sound_bundle_passes(check_of: Callable[..., CheckResult], check: Check) -> None:
    result = check_of(check)
    assert result.passed
    assert result.message
    assert not result.message.endswith(".")


@pytest.mark.parametrize(
    ("check", "spoil", "blocking", "figure", "message"),
    [
        (checks.products, _table(lambda t: t.drop_columns(["category"])), True, None, "category (missing)"),
        (
            checks.products,
            _table(lambda t: t.set_column(t.schema.get_field_index("row"), "row", pa.array(["x"] * 60))),
            True,
            None,
            "row (string)",
        ),
        (checks.products, _table(_repeat_an_id), True, 1, "1 product_id repeat and 0 are empty, 0 may"),
        (checks.rows, _table(lambda t: t.slice(1)), True, 60, "products.parquet 59, vectors.npy 60"),
        (checks.rows, _counts(products=61), True, 60, "manifest.json 61; build the bundle again"),
        (checks.vectors, _nan_vector, True, None, "vector 7 holds NaN or infinity"),
        (checks.index_recall(1.01), None, True, None, "the bound is 1.01; build the index with a larger refine factor"),
        (
            checks.size_change(80, 0.2, 0.5),
            None,
            False,
            0.25,
            "60 products after 80, a change of 25%, the bound is 20%",
        ),
        (checks.size_change(200, 0.2, 0.5), None, True, 0.7, "a change of 70%, the bound is 50%"),
        (checks.image_share(0.5), _counts(with_image=6), False, 0.1, "10% of the products have a picture"),
        (checks.smoke(lambda folder: 0), None, True, 0, "a query got 0 recommendations, at least 1 are needed"),
    ],
)
def test_broken_bundle_fails(
    check_of: Callable[..., CheckResult],
    check: Check,
    spoil: Spoil | None,
    blocking: bool,
    figure: float | None,
    message: str,
) -> None:
    result = check_of(check, spoil)
    assert not result.passed
    assert result.blocking == blocking
    assert message in result.message
    if figure is not None:
        assert result.figure == pytest.approx(figure)


def test_standard_checks_have_names_of_their_own(check_of: Callable[..., CheckResult]) -> None:
    standard = checks.standard_checks(60, lambda folder: 1, recall_bound=0.9)
    results = [check_of(check) for check in standard]
    assert [result.name for result in results] == [
        "products",
        "rows",
        "vectors",
        "recall",
        "size_change",
        "image_share",
        "smoke",
    ]
    assert all(result.passed for result in results)


def test_error_in_a_check_is_its_failure(tmp_path: Path) -> None:
    def query(folder: Path) -> int:
        raise BundleError(f"{folder.name}: the prompts are missing; build again")

    (result,) = checks.run_checks(tmp_path, [checks.smoke(query)])
    assert (result.name, result.passed, result.blocking) == ("smoke", False, True)
    assert "the prompts are missing" in result.message
