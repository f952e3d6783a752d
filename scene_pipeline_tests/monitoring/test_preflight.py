"""What can be checked is checked before work starts, each with something broken beside the right one."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.monitoring import preflight
from scene_pipeline.monitoring.preflight import Settings, check_build, check_folder, check_settings

HEAD = "id,sku_id,description,primary_image\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.csv"
    path.write_text(HEAD + "1,S-1,CERAMIC VASE,a.png\n")
    return path


def written(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_a_catalog_without_a_column_of_pictures_is_refused_before_work(catalog: Path, tmp_path: Path) -> None:
    catalog.write_text("id,sku_id,description\n1,S-1,CERAMIC VASE\n")
    with pytest.raises(ScenePipelineError, match=r"catalog\.csv: has no column of pictures"):
        check_build(Settings(), catalog, tmp_path / "artifacts")
    assert not (tmp_path / "artifacts").exists()
    check_build(Settings(), catalog, tmp_path / "artifacts", texts_alone=True)


def test_the_right_settings_pass(catalog: Path, tmp_path: Path) -> None:
    columns = written(tmp_path, "map.yaml", "sku_id: sku_id\n")
    check_build(Settings(columns=columns, language="de"), catalog, tmp_path / "artifacts")
    assert list((tmp_path / "artifacts").iterdir()) == []


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (
            lambda folder: Settings(
                vocabulary=written(folder / "own", "styles.yaml", "styles: [{id: x, nme: y}]").parent
            ),
            r"styles\.yaml.*unknown field `nme`",
        ),
        (lambda folder: Settings(encoder="ViT-B-23/laion2b_s34b_b79k"), "near names: ViT-B-32"),
        (lambda folder: Settings(language="xx"), "xx"),
        (lambda folder: Settings(columns=written(folder, "map.yaml", "- a\n- b\n")), r"map\.yaml"),
        (lambda folder: Settings(columns=written(folder, "map.yaml", "Artikel: id\n")), "Artikel"),
        (lambda folder: Settings(thresholds=written(folder, "bounds.yaml", "bonds: {}\n")), r"bounds\.yaml.*bonds"),
    ],
)
def test_a_typo_is_found_before_anything_is_read(
    broken: Callable[[Path], Settings], line: str, catalog: Path, tmp_path: Path
) -> None:
    with pytest.raises(ScenePipelineError, match=line) as error:
        check_build(broken(tmp_path), catalog, tmp_path / "artifacts")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "artifacts").exists()


def test_settings_alone_need_no_catalog() -> None:
    check_settings(Settings())


def test_a_catalog_without_its_columns_is_refused(catalog: Path, tmp_path: Path) -> None:
    catalog.write_text("a,b\n1,2\n")
    with pytest.raises(ScenePipelineError, match=r"catalog\.csv"):
        check_build(Settings(), catalog, tmp_path / "artifacts")


def test_a_folder_that_cannot_be_written_or_is_full_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_folder(tmp_path / "artifacts")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ScenePipelineError, match="file: cannot be written"):
        check_folder(tmp_path / "file")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=preflight.MIN_FREE_BYTES - 1))
    with pytest.raises(ScenePipelineError, match="MB free, a build needs 200 or more"):
        check_folder(tmp_path / "artifacts")
