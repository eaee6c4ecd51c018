"""Layers of one's own and heights reach the cells, at every size, and a changed file is noticed."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from terminal import edit

from habitat.errors import RecipeError
from habitat.recipe import read_recipe
from habitat.store import read_raster, read_table, write_raster
from habitat.workflow import run_recipe


def cells_of(land: Path) -> list[str]:
    results = run_recipe(read_recipe(land / "recipe.toml"), until="cells")
    return [result.name for result in results if result.done]


@pytest.fixture
def layered(land: Path) -> Path:
    """A recipe with a road, a raster of cattle on another grid, heights and a second size of cells."""
    _, grid = read_raster(land / "run" / "forest" / "2020.tif")
    west, _, east, north = grid.boundingbox.bbox
    road = shapely.LineString([(west, north - 10), (east, north - 10)])
    gpd.GeoDataFrame(geometry=[road], crs=grid.crs).to_file(land / "roads.gpkg")
    coarse = grid.zoom_out(5)
    cattle = np.tile(np.arange(coarse.shape[1], dtype=np.float32), (coarse.shape[0], 1))
    cattle[0, 0] = -1
    write_raster(land / "cattle.tif", cattle[None], coarse, ["cattle"], -1)
    heights = np.tile(np.arange(grid.shape.x, dtype=np.float32) * 20, (grid.shape.y, 1))
    write_raster(land / "heights.tif", heights[None], grid, ["height"], None)
    edit(
        land, "size_m = 300", 'size_m = 300\nsizes_m = [600]\nlayers = { roads = "roads.gpkg", cattle = "cattle.tif" }'
    )
    edit(land, "[scenes]\n", '[scenes]\ndem = "heights.tif"\n')
    return land


def test_layers_and_heights_become_columns(layered: Path) -> None:
    assert cells_of(layered) == ["cells"], "heights that no look needs leave the composites alone"
    table = read_table(layered / "run" / "cells.parquet")
    first = table[table["year"] == 2020].set_index("cell")
    centre = first.geometry.centroid
    np.testing.assert_allclose(first["roads_distance_m"], first.total_bounds[3] - 10 - centre.y)
    assert first["roads_km_per_km2"].max() == pytest.approx(0.3 / 0.09)
    np.testing.assert_allclose(first["slope_degrees"], 45, atol=0.01)
    np.testing.assert_allclose(first["southwestness"], 0.5, atol=1e-3)  # it falls to the west
    west = first[centre.x == centre.x.min()]
    assert west["height_m"].tolist() == pytest.approx([140, 140])  # 0 to 280 m
    # columns of 100 m hold 0, 1, 2: interpolated between their middles, and one of them is not known
    assert west["cattle"].iloc[-1] == pytest.approx(1.0, abs=0.1)
    wide = read_table(layered / "run" / "cells_600m.parquet")
    assert len(wide) == 3
    assert set(wide.columns) == set(table.columns)
    patches = read_table(layered / "run" / "landscape" / "patches.parquet")
    assert set(patches["year"]) == {2019, 2020, 2021}
    assert not patches["large"].any()


def test_a_changed_layer_is_noticed(layered: Path) -> None:
    cells_of(layered)
    assert cells_of(layered) == []
    values, grid = read_raster(layered / "cattle.tif")
    write_raster(layered / "cattle.tif", values + 1, grid, ["cattle"], 0)
    assert cells_of(layered) == ["cells"]
    heights, grid = read_raster(layered / "heights.tif")
    write_raster(layered / "heights.tif", heights + 1, grid, ["height"], None)
    assert cells_of(layered) == ["cells"]


def test_a_layer_of_several_bands_is_refused(layered: Path) -> None:
    values, grid = read_raster(layered / "cattle.tif")
    write_raster(layered / "cattle.tif", np.concatenate([values, values]), grid, ["one", "two"], 0)
    with pytest.raises(RecipeError, match="has 2 bands, not one"):
        cells_of(layered)
