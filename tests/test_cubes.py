from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from habitat.cubes import CELLS, CHANGE, COMPOSITE, EVENTS, FEATURES, MAP, STACK, Quality
from habitat.errors import ContractError


def stack() -> xr.Dataset:
    shape = (2, 3, 4)
    dims = ("time", "y", "x")
    return xr.Dataset(
        {"red": (dims, np.zeros(shape, np.float32)), "quality": (dims, np.zeros(shape, np.uint8))},
    )


def cells() -> pd.DataFrame:
    shares = {name: [0.5, np.nan] for name in ("seen_share", "forest_share", "loss_share")}
    points = gpd.points_from_xy([0, 1], [0, 1])
    return gpd.GeoDataFrame(
        {"cell": ["a", "b"], "year": [2019, 2019], "area_m2": [9e4, 9e4], **shares}, geometry=points, crs="EPSG:32652"
    )


def test_a_cube_that_keeps_its_contract_comes_back_itself() -> None:
    cube = stack()
    assert STACK.check(cube) is cube


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda cube: cube.rename(time="date"), "STACK: dimension 'time' is missing"),
        (lambda cube: cube.drop_vars("red"), "none of the variables blue, green, red"),
        (lambda cube: cube.drop_vars("quality"), "variable 'quality' is missing"),
        (lambda cube: cube.assign(quality=cube.quality.astype(float)), "'quality' is float64, not of kind 'u'"),
        (lambda cube: cube.transpose("y", "x", "time"), "'quality' has dimensions"),
        (lambda cube: cube.assign(red=cube.red.isel(time=0)), "'red' has dimensions"),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(break_it: object, says: str) -> None:
    with pytest.raises(ContractError, match=says):
        STACK.check(break_it(stack()))  # type: ignore[operator]


def test_features_have_no_names_of_their_own_but_all_lie_on_the_grid() -> None:
    good = xr.Dataset({"ndvi": (("year", "y", "x"), np.zeros((1, 2, 2), np.float32))})
    assert FEATURES.check(good) is good
    with pytest.raises(ContractError, match="'slope' has dimensions"):
        FEATURES.check(good.assign(slope=(("y", "x"), np.zeros((2, 2), np.float32))))


@pytest.mark.parametrize("contract", [STACK, COMPOSITE, FEATURES, MAP, CHANGE], ids=lambda contract: contract.name)
def test_every_cube_lies_on_a_grid(contract: object) -> None:
    assert contract.dims[-2:] == ("y", "x")  # type: ignore[attr-defined]


def test_a_table_that_keeps_its_contract_comes_back_itself() -> None:
    table = cells()
    assert CELLS.check(table) is table
    empty = table.iloc[:0]
    assert CELLS.check(empty) is empty


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda table: table.drop(columns="seen_share"), "CELLS: column 'seen_share' is missing"),
        (lambda table: table.assign(year=["2019", "2019"]), "column 'year' is"),
        (lambda table: table.assign(cell="a"), "rows share the same cell and year"),
    ],
)
def test_the_first_wrong_column_is_named(break_it: object, says: str) -> None:
    with pytest.raises(ContractError, match=says):
        CELLS.check(break_it(cells()))  # type: ignore[operator]


def test_times_have_a_zone_or_not_but_are_times() -> None:
    row = {"event": ["e1"], "species": ["tiger"], "individual": [None], "effort_id": ["d1"], "geometry": [None]}
    EVENTS.check(pd.DataFrame({**row, "time": pd.to_datetime(["2020-05-01T12:00Z"])}))
    with pytest.raises(ContractError, match="column 'time'"):
        EVENTS.check(pd.DataFrame({**row, "time": ["2020-05-01"]}))


def test_quality_bits_are_distinct_and_fit_a_byte() -> None:
    bits = [value for name, value in vars(Quality).items() if name.isupper()]
    assert sorted(bits) == [1, 2, 4, 8, 16, 32, 64]
