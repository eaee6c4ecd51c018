"""The habitat of cells, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Geod, Transformer

from habitat.errors import ContractError, GridError
from habitat.landscape import cell_covariates, square_cells
from habitat.legend import DEFAULT_LEGEND

GRID = GeoBox((3, 3), Affine(100, 0, 435000, 0, -100, 4771800), "EPSG:32652")


def test_a_map_of_nine_pixels_by_hand():
    # Cells of 200 m on a 3 x 3 map of 100 m: pixels (2 x 2), (2 x 1), (1 x 2) and (1 x 1).
    maps = {
        2019: [[11, 11, 50], [14, 22, 0], [14, 0, 11]],
        2020: [[11, 22, 50], [14, 22, 0], [22, 14, 0]],
        2021: [[22, 22, 11], [14, 22, 50], [22, 22, 22]],
        2022: [[22, 22, 11], [14, 0, 50], [22, 22, 11]],
    }
    loss_year = np.array([[2021, 2020, 0], [0, 0, 0], [2020, 2021, 65535]], dtype=np.uint16)
    cells, zones = square_cells(GRID, 200)
    assert zones.tolist() == [[0, 0, 1], [0, 0, 1], [2, 2, 3]]
    table = cell_covariates(
        ((year, np.array(codes, dtype=np.uint8)) for year, codes in maps.items()), loss_year, cells, zones, grid=GRID
    ).set_index(["year", "cell"])
    name = list(cells["cell"])

    def row(year: int, column: str) -> list[float]:
        return [table.loc[(year, n), column] for n in name]

    nan = np.nan
    np.testing.assert_allclose(row(2019, "seen_share"), [1, 0.5, 0.5, 1])
    np.testing.assert_allclose(row(2019, "forest_share"), [3 / 4, 0, 1, 1])
    np.testing.assert_allclose(row(2020, "forest_share"), [1 / 2, 0, 1 / 2, nan])
    np.testing.assert_allclose(row(2019, "share_11"), [1 / 2, 0, 0, 1])
    np.testing.assert_allclose(row(2019, "loss_share"), [nan] * 4)
    np.testing.assert_allclose(row(2020, "loss_share"), [1 / 4, 0, 1 / 2, nan])
    np.testing.assert_allclose(row(2021, "loss_share"), [1 / 4, 0, 1 / 2, nan])
    np.testing.assert_allclose(row(2022, "loss_share"), [0, 0, 0, nan])
    np.testing.assert_allclose(row(2021, "recent_loss"), [nan] * 4)
    np.testing.assert_allclose(row(2022, "recent_loss"), [2 / 3, 0, 1, nan])
    assert table.crs == "EPSG:32652"


def test_classes_add_up_to_what_was_seen():
    rng = np.random.default_rng(0)
    grid = GeoBox((700, 40), Affine(20, 0, 400000, 0, -20, 4800000), "EPSG:32652")
    layer = rng.choice(np.array([0, *DEFAULT_LEGEND.codes], dtype=np.uint8), size=(700, 40))
    cells, zones = square_cells(grid, 200)
    table = cell_covariates([(2020, layer)], None, cells, zones, grid=grid)
    shares = table[[f"share_{code}" for code in DEFAULT_LEGEND.codes]]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(table["forest_share"], shares.iloc[:, :5].sum(axis=1))
    for k in (0, 57, len(cells) - 1):
        np.testing.assert_allclose(table["seen_share"][k], (layer[zones == k] != 0).mean())


def test_areas_are_true_areas_of_the_pixels_inside():
    inside = np.array([[False, True, True]] * 3)
    cells, zones = square_cells(GRID, 200, inside)
    table = cell_covariates([(2020, np.full((3, 3), 11, dtype=np.uint8))], None, cells, zones, grid=GRID)
    ring = shapely.segmentize(shapely.box(435100, 4771600, 435200, 4771800), 20)
    to_degrees = Transformer.from_crs("EPSG:32652", "EPSG:4326", always_xy=True).transform
    true, _ = Geod(ellps="WGS84").geometry_area_perimeter(shapely.transform(ring, to_degrees, interleaved=False))
    assert table["area_m2"].iloc[0] == pytest.approx(true, rel=1e-5)
    assert table["area_m2"].iloc[0] != pytest.approx(20000, rel=1e-4)


def test_what_does_not_fit_is_refused():
    cells, zones = square_cells(GRID, 200)
    with pytest.raises(ContractError, match="code 99 is not in the legend"):
        cell_covariates([(2020, np.full((3, 3), 99, dtype=np.uint8))], None, cells, zones, grid=GRID)
    with pytest.raises(GridError, match="map of 2020"):
        cell_covariates([(2020, np.zeros((2, 3), dtype=np.uint8))], None, cells, zones, grid=GRID)
    with pytest.raises(GridError, match="loss years"):
        cell_covariates([], np.zeros((2, 3), dtype=np.uint16), cells, zones, grid=GRID)
