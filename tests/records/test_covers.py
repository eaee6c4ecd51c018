"""Labels from other people's maps: what each value becomes, where edges are left out, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.errors import TrainingError
from habitat.legend import BROAD_LEGEND
from habitat.records import rasters
from habitat.records.covers import Translation
from habitat.records.labels import read_labels
from habitat.records.rasters import without_edges

CODES = BROAD_LEGEND.codes
FOREST, OTHER = 10, 20


def write(path: Path, values: Any, grid: GeoBox, *, nodata: float | None = None, dtype: str = "uint8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.asarray(values, dtype=dtype)
    profile = {"driver": "GTiff", "count": 1, "dtype": dtype, "height": array.shape[0], "width": array.shape[1]}
    with rasterio.open(path, "w", crs=str(grid.crs), transform=grid.transform, nodata=nodata, **profile) as file:
        file.write(array, 1)
    return path


def codes_of(labels: pd.DataFrame, grid: GeoBox, year: int | None = None) -> list[list[int]]:
    """The labels of a year as a picture; 0 = no label."""
    chosen = labels[labels["year"].isna() if year is None else (labels["year"] == year).fillna(False)]
    picture = np.zeros(grid.shape, dtype=int)
    picture[chosen["row"], chosen["col"]] = chosen["code"]
    return picture.tolist()


# -- what values become ---------------------------------------------------------------------------------


def test_worldcover_is_translated_as_stated(tmp_path: Path, small_grid: GeoBox) -> None:
    values = [[10, 20, 30, 40, 50, 60], [70, 80, 90, 95, 100, 0], [10] * 6, [10] * 6]
    path = write(tmp_path / "map.tif", values, small_grid)
    labels = read_labels(path, small_grid, codes=CODES, translation=Translation("worldcover"))
    assert codes_of(labels, small_grid)[:2] == [[10, 21, 22, 30, 70, 60], [0, 50, 40, 10, 0, 0]]


def test_worldcover_knows_its_year_by_its_name(tmp_path: Path, small_grid: GeoBox) -> None:
    path = write(tmp_path / "ESA_WorldCover_10m_2021_v200_N42E129_Map.tif", np.full((4, 6), 10), small_grid)
    labels = read_labels(path, small_grid, codes=CODES, translation=Translation("worldcover"))
    assert set(labels["year"]) == {2021}


def test_a_recipe_may_translate_otherwise(tmp_path: Path, small_grid: GeoBox) -> None:
    path = write(tmp_path / "map.tif", [[10, 20, 30, 30, 30, 30]] * 4, small_grid)
    labels = read_labels(path, small_grid, codes=(14, 22), translation=Translation("worldcover", {"10": 14, "20": 0}))
    assert codes_of(labels, small_grid)[0] == [14, 0, 22, 22, 22, 22]
    with pytest.raises(TrainingError, match="worldcover has no value '11'; its values are 10, 20, 30"):
        Translation("worldcover", {"11": 14})


def test_points_are_not_taken_for_a_map(tmp_path: Path, small_grid: GeoBox) -> None:
    (tmp_path / "labels.gpkg").write_bytes(b"")
    with pytest.raises(TrainingError, match=r"is no GeoTIFF, and \[forest\] training_map says"):
        read_labels(tmp_path / "labels.gpkg", small_grid, codes=CODES, translation=Translation("gfc"))


def test_tree_cover_between_the_thresholds_is_no_label(tmp_path: Path, small_grid: GeoBox) -> None:
    path = write(tmp_path / "cover.tif", [[0, 20, 21, 49, 50, 100], [254, 255, 7, 7, 7, 7]] * 2, small_grid, nodata=7)
    labels = read_labels(path, small_grid, codes=CODES, translation=Translation("tree_cover"))
    assert codes_of(labels, small_grid)[:2] == [[OTHER, OTHER, 0, 0, FOREST, FOREST], [0] * 6]
    wide = Translation("tree_cover", cover_percent=(10, 30))
    labels = read_labels(path, small_grid, codes=CODES, translation=wide)
    assert codes_of(labels, small_grid)[0] == [OTHER, 0, 0, FOREST, FOREST, FOREST]


def test_a_loss_is_forest_before_unknown_in_its_year_and_open_after(tmp_path: Path, small_grid: GeoBox) -> None:
    """Columns: never forest, forest for good, lost in 2018, in 2012, in 2020; the last has too few trees to say."""
    folder = tmp_path / "gfc"
    names = "Hansen_GFC-2020-v1.8_{}_50N_130E.tif".format
    write(folder / names("treecover2000"), [[5, 90, 90, 90, 90, 35]] * 4, small_grid)
    write(folder / names("lossyear"), [[0, 0, 18, 12, 20, 0]] * 4, small_grid)
    years = (2017, 2018, 2019, 2021)
    labels = read_labels(folder, small_grid, codes=CODES, translation=Translation("gfc"), years=years)
    seen = {year: codes_of(labels, small_grid, year)[0] for year in years}
    assert seen[2017] == [OTHER, FOREST, FOREST, OTHER, FOREST, 0], "open five years after 2012"
    assert seen[2018] == [OTHER, FOREST, 0, 0, FOREST, 0], "trees may be back six years after"
    assert seen[2019] == [OTHER, FOREST, OTHER, 0, FOREST, 0]
    assert seen[2021] == [0] * 6, "the map ends in 2020"


def test_where_nothing_was_lost_the_map_still_ends_with_its_version(
    tmp_path: Path, small_grid: GeoBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of one pixel: most hold no loss. The folder may carry the version, and without one nobody knows."""
    monkeypatch.setattr(rasters, "BLOCK", 1)
    years = (2018, 2020, 2021)
    for folder in (tmp_path / "GFC-2020-v1.8", tmp_path / "clip"):
        write(folder / "treecover2000.tif", np.full((4, 6), 90), small_grid)
        write(folder / "lossyear.tif", [[0, 0, 0, 0, 0, 10]] * 4, small_grid)
    labels = read_labels(
        tmp_path / "GFC-2020-v1.8", small_grid, codes=CODES, translation=Translation("gfc"), years=years
    )
    assert [codes_of(labels, small_grid, year)[0][:5] for year in years] == [[FOREST] * 5, [FOREST] * 5, [0] * 5]
    with pytest.raises(TrainingError, match="until which year it maps losses; keep the map's version in the file's"):
        read_labels(tmp_path / "clip", small_grid, codes=CODES, translation=Translation("gfc"), years=years)


def test_gfc_needs_both_of_its_layers(tmp_path: Path, small_grid: GeoBox) -> None:
    write(tmp_path / "gfc" / "Hansen_treecover2000_x.tif", np.full((4, 6), 90), small_grid)
    with pytest.raises(TrainingError, match="holds no tile with treecover2000 and lossyear"):
        read_labels(tmp_path / "gfc", small_grid, codes=CODES, translation=Translation("gfc"), years=(2018,))


def test_tiles_are_laid_side_by_side(tmp_path: Path, small_grid: GeoBox) -> None:
    west, east = small_grid[:, :3], small_grid[:, 3:]
    write(tmp_path / "tiles" / "a.tif", np.full((4, 3), 10), west)
    write(tmp_path / "tiles" / "b.tif", np.full((4, 3), 80), east)
    labels = read_labels(tmp_path / "tiles", small_grid, codes=CODES, translation=Translation("worldcover"))
    assert codes_of(labels, small_grid) == [[10, 10, 10, 50, 50, 50]] * 4


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("worldcover", 37, "holds the value 37: WorldCover has no such class"),
        ("tree_cover", 120, "holds the value 120: it is no percentage"),
    ],
)
def test_a_value_that_the_map_does_not_have(
    tmp_path: Path, small_grid: GeoBox, kind: Any, value: int, said: str
) -> None:
    path = write(tmp_path / "map.tif", np.full((4, 6), value), small_grid)
    with pytest.raises(TrainingError, match=f"map.tif: {said}; give the map that"):
        read_labels(path, small_grid, codes=CODES, translation=Translation(kind))


def test_years_of_loss_that_are_none(tmp_path: Path, small_grid: GeoBox) -> None:
    write(tmp_path / "treecover2000.tif", np.full((4, 6), 90), small_grid)
    write(tmp_path / "lossyear.tif", np.full((4, 6), 88), small_grid)
    with pytest.raises(TrainingError, match="holds the value 88: years of loss count from 2000"):
        read_labels(tmp_path, small_grid, codes=CODES, translation=Translation("gfc"), years=(2018,))


def test_a_code_that_the_legend_lacks_names_the_key(tmp_path: Path, small_grid: GeoBox) -> None:
    path = write(tmp_path / "map.tif", np.full((4, 6), 10), small_grid)
    with pytest.raises(TrainingError, match=r"code 10 is not in the legend; give it in \[forest\] training_codes"):
        read_labels(path, small_grid, codes=(14, 22), translation=Translation("worldcover"))


# -- edges and drawing ----------------------------------------------------------------------------------


def test_edges_between_classes_are_left_out_and_those_of_no_label_are_not() -> None:
    codes = np.array([[1, 1, 1, 1, 2, 2, 2, 0, 0]] * 3, dtype=np.uint8)
    assert without_edges(codes, (0.9, 0.9))[1].tolist() == [1, 1, 1, 1, 2, 2, 2, 0, 0]
    assert without_edges(codes, (1, 1))[1].tolist() == [1, 1, 1, 0, 0, 2, 2, 0, 0]
    assert without_edges(codes, (2, 2))[1].tolist() == [1, 1, 0, 0, 0, 0, 2, 0, 0]
    corner = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 2]])
    assert without_edges(corner, (1, 1)).tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 0]], (
        "corners are farther than a side"
    )
    assert without_edges(corner, (1.5, 1.5)).tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]


def test_an_edge_in_metres_is_as_wide_in_degrees(tmp_path: Path) -> None:
    """At 60° N a degree of longitude is half as long: 70 m are 2.5 pixels of 0.00025° down, and 5 across."""
    grid = GeoBox((41, 41), Affine(0.00025, 0, 20, 0, -0.00025, 60.005), "EPSG:4326")
    values = np.full(grid.shape, 10)
    values[20, 20] = 80
    path = write(tmp_path / "map.tif", values, grid)
    labels = read_labels(path, grid, codes=CODES, translation=Translation("worldcover"), edge_m=70)
    gone = np.array(codes_of(labels, grid)) == 0
    rows, cols = np.nonzero(gone)
    assert (np.ptp(rows) // 2, np.ptp(cols) // 2) == (2, 5)
    ellipse = [(2 / 2.52) ** 2 + (across / 5.05) ** 2 <= 1 for across in range(5)]
    assert gone[18, 20:25].tolist() == ellipse == [True, True, True, True, False]


def test_edges_are_the_same_however_the_area_is_cut(
    tmp_path: Path, small_grid: GeoBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "map.tif", [[10, 10, 10, 30, 30, 30]] * 4, small_grid)
    found = []
    for size in (512, 3, 1):
        monkeypatch.setattr(rasters, "BLOCK", size)
        labels = read_labels(path, small_grid, codes=CODES, translation=Translation("worldcover"), edge_m=20)
        found.append(codes_of(labels, small_grid))
    assert found[0] == [[10, 10, 0, 0, 22, 22]] * 4
    assert found[0] == found[1] == found[2]


def test_of_a_large_map_a_few_labels_of_each_class_are_drawn_from_every_block(
    tmp_path: Path, small_grid: GeoBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rasters, "BLOCK", 2)
    monkeypatch.setattr(rasters, "MOST_LABELS", 6)  # six blocks: one label of a class from each
    path = write(tmp_path / "map.tif", [[10, 80] * 3] * 4, small_grid)
    labels = read_labels(path, small_grid, codes=CODES, translation=Translation("worldcover"))
    blocks = labels.assign(block=labels["row"] // 2 * 3 + labels["col"] // 2)
    assert sorted(zip(blocks["block"], blocks["code"], strict=True)) == [(b, c) for b in range(6) for c in (10, 50)]
    again = read_labels(path, small_grid, codes=CODES, translation=Translation("worldcover"))
    assert labels.equals(again)
