"""Heights: planes whose value at every place is known, in files of several grids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.errors import ReadError
from habitat.grids import grid_over
from habitat.store import write_raster
from habitat.tiles.heights import height_files, read_heights

GRID = grid_over((700_000, 4_780_000, 700_400, 4_780_300), "EPSG:32652", 20)


def plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height of a slope that rises to the east and to the north."""
    return 300 + 0.2 * (x - 700_000) + 0.1 * (y - 4_780_000)


def centres(grid: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    cols, rows = np.meshgrid(np.arange(grid.shape.x) + 0.5, np.arange(grid.shape.y) + 0.5)
    return grid.transform @ (cols, rows)


def write(path: Path, grid: GeoBox, heights: np.ndarray, nodata: float | None = -9999.0) -> Path:
    write_raster(path, heights[None].astype(np.float32), grid, ["height"], nodata)
    return path


EXPECTED = plane(*centres(GRID))


@pytest.mark.parametrize("pixel_m", [10, 30])
def test_a_slope_keeps_its_heights_on_another_grid_of_the_zone(tmp_path: Path, pixel_m: float) -> None:
    own = grid_over((699_885, 4_779_885, 700_605, 4_780_485), "EPSG:32652", pixel_m, (699_885, 4_779_885))
    found = read_heights([write(tmp_path / "dem.tif", own, plane(*centres(own)))], GRID)
    assert np.allclose(found, EXPECTED, atol=0.01)
    assert found.dtype == np.float32


def test_tiles_in_degrees_are_joined_without_a_seam(tmp_path: Path) -> None:
    to_metres = pyproj.Transformer.from_crs(4326, 32652, always_xy=True)
    west, north = to_metres.transform(699_950, 4_780_400, direction="INVERSE")
    step = 1 / 3600
    files = []
    for number, columns in enumerate((10, 14)):
        own = GeoBox((20, columns), Affine(step, 0, west + 10 * number * step, 0, -step, north), "EPSG:4326")
        files.append(write(tmp_path / f"{number}.tif", own, plane(*to_metres.transform(*centres(own)))))
    found = read_heights(files, GRID)
    assert np.isfinite(found).all()
    assert np.abs(found - EXPECTED).max() < 0.05


def test_what_no_file_holds_is_not_known(tmp_path: Path) -> None:
    own = grid_over((700_000, 4_780_000, 700_200, 4_780_300), "EPSG:32652", 20)
    heights = plane(*centres(own))
    heights[3, 4] = -9999
    found = read_heights([write(tmp_path / "dem.tif", own, heights)], GRID)
    assert np.isnan(found[:, 10:]).all()
    assert np.isnan(found[3, 4])
    assert np.isfinite(found[:, :10]).sum() == 149


def test_the_first_of_two_files_counts(tmp_path: Path) -> None:
    one = write(tmp_path / "one.tif", GRID, np.full(GRID.shape, 100.0))
    other = write(tmp_path / "other.tif", GRID, np.full(GRID.shape, 200.0))
    assert (read_heights([one, other], GRID) == 100).all()


def test_a_fill_value_that_no_tag_names_is_no_height(tmp_path: Path) -> None:
    heights = np.full(GRID.shape, 100.0)
    heights[0, 0] = -32768
    with pytest.raises(ReadError, match="no heights in metres"):
        read_heights([write(tmp_path / "dem.tif", GRID, heights, None)], GRID)


def test_a_folder_gives_its_geotiffs(tmp_path: Path) -> None:
    for name in ("b.tif", "a.TIF", "note.txt"):
        (tmp_path / name).write_text("")
    assert [file.name for file in height_files(tmp_path)] == ["a.TIF", "b.tif"]
    with pytest.raises(ReadError, match="is no GeoTIFF"):
        height_files(tmp_path / "nowhere")


def test_feet_and_pictures_are_no_heights_in_metres(tmp_path: Path) -> None:
    feet = write(tmp_path / "feet.tif", GRID, np.full(GRID.shape, 300.0))
    with rasterio.open(feet, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.units = ("ft",)
    with pytest.raises(ReadError, match="holds heights in 'ft', not one of metres"):
        read_heights([feet], GRID)
    picture = tmp_path / "picture.tif"
    write_raster(picture, np.zeros((3, *GRID.shape), np.uint8), GRID, ["red", "green", "blue"], None)
    with pytest.raises(ReadError, match="holds 3 bands, not one of metres"):
        read_heights([picture], GRID)
