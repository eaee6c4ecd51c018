"""Habitat at date d: the latest mapping season that ended on or before d, and never a later map."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from habitat.errors import ContractError
from habitat.landscape import cell_covariates, square_cells
from habitat.seasons import Season, latest_season_ended
from habitat.sightings import HabitatLayers, habitat_year, join_to_habitat, locate

GRID = GeoBox((4, 4), Affine(50, 0, 435000, 0, -50, 4771400), "EPSG:32652")
SUMMER = Season.parse("mapping", "06-01/09-15")
WINTER = Season.parse("mapping", "11-15/02-28")
YEARS = [2019, 2020, 2021]


@given(st.datetimes(pd.Timestamp("2018-01-01"), pd.Timestamp("2023-12-31")), st.sampled_from([SUMMER, WINTER]))
def test_the_year_agrees_with_the_definition(moment, season):
    times = pd.Series([pd.Timestamp(moment, tz="UTC")])
    found = habitat_year(times, season, YEARS).iloc[0]
    ended = [year for year in YEARS if season.window(year)[1] <= moment.date()]
    assert (pd.isna(found) and not ended) or found == max(ended)
    if ended and max(ended) < 2021:
        assert found == latest_season_ended(season, moment.date())


def joined(*rows, loss_day=None, timezone="UTC"):
    """Join (time, column, row) events to a map whose pixel (0, 0) is clear cut in 2020 and (3, 3) unseen in 2020."""
    maps = {year: np.full((4, 4), 14, dtype=np.uint8) for year in YEARS}
    maps[2020][0, 0] = maps[2021][0, 0] = 22
    maps[2020][3, 3] = 0
    loss_year = np.zeros((4, 4), dtype=np.uint16)
    loss_year[0, 0], loss_year[2, 0] = 2020, 65535
    inside = np.ones((4, 4), dtype=bool)
    inside[0, 3] = False
    cells, zones = square_cells(GRID, 100, inside)
    habitat = cell_covariates(maps.items(), loss_year, cells, zones, grid=GRID)
    times, cols, lines = zip(*rows, strict=True)
    x, y = 435000 + 50 * (np.array(cols) + 0.5), 4771400 - 50 * (np.array(lines) + 0.5)
    events = gpd.GeoDataFrame(
        {
            "event": range(len(rows)),
            "species": "tiger",
            "time": pd.to_datetime(list(times), utc=True),
            "individual": None,
            "effort_id": None,
        },
        geometry=gpd.points_from_xy(x, y),
        crs="EPSG:32652",
    ).to_crs("EPSG:4326")
    located = locate(events, cells, zones, grid=GRID)
    layers = HabitatLayers(maps.items(), loss_year, loss_day)
    return join_to_habitat(located, habitat, layers, grid=GRID, season=SUMMER, timezone=timezone)


def test_a_cell_before_and_after_its_clear_cut_has_two_states():
    table = joined(("2020-09-14T23:59Z", 0, 0), ("2020-09-15T00:00Z", 0, 0), ("2022-01-01T00:00Z", 0, 0))
    assert table["habitat_season"].tolist() == [2019, 2020, 2021]
    assert table["code"].tolist() == [14, 22, 22]
    assert table["forest_share"].tolist() == [1, 0.75, 0.75]
    assert table["years_since_loss"].tolist() == [pd.NA, 0, 1]
    assert (table["cell"] == "E4350N47713").all()


def test_before_the_first_season_there_is_no_habitat():
    table = joined(("2019-09-14T12:00Z", 0, 0))
    assert table["cell"].notna().all()
    assert table[["habitat_season", "code", "forest_share", "seen_share", "years_since_loss"]].isna().all(axis=None)


def test_an_unseen_pixel_has_no_class_and_borrows_none():
    table = joined(("2021-01-01T00:00Z", 3, 3), ("2021-01-01T00:00Z", 0, 2))
    assert table["habitat_season"].tolist() == [2020, 2020]
    assert pd.isna(table["code"].iloc[0])
    assert table["seen_share"].iloc[0] == 0.75
    assert table["years_since_loss"].isna().all()


def test_outside_the_area_everything_is_null_and_the_event_is_kept():
    table = joined(("2021-01-01T00:00Z", 3, 0), ("2021-01-01T00:00Z", 400, 0))
    assert len(table) == 2
    columns = ["cell", "habitat_season", "code", "forest_share", "seen_share", "years_since_loss"]
    assert table[columns].isna().all(axis=None)


def test_events_must_be_located_first():
    table = joined(("2021-01-01T00:00Z", 0, 0))
    with pytest.raises(ContractError, match="locate"):
        join_to_habitat(table.drop(columns="cell"), table, HabitatLayers([]), grid=GRID, season=SUMMER)


def test_a_break_overrides_the_map_from_its_local_day_on_and_not_the_day_before():
    loss_day = np.full((4, 4), -32768, dtype=np.int16)
    loss_day[0, 0] = loss_day[1, 1] = 7456  # 2020-05-31; pixel (1, 1) has no loss year
    days = [("2020-05-30T13:59Z", 0, 0), ("2020-05-30T14:00Z", 0, 0), ("2020-06-10T00:00Z", 1, 1)]
    table = joined(*days, ("2021-01-01T00:00Z", 0, 0), loss_day=loss_day, timezone="Asia/Vladivostok")
    assert table["habitat_season"].tolist() == [2019, 2019, 2019, 2020]
    assert table["habitat_from"].tolist() == ["map", "break", "map", "map"]
    assert table["code"].tolist() == [14, pd.NA, 14, 22]
    assert table["years_since_loss"].tolist() == [pd.NA, 0, pd.NA, 0]


def test_the_day_of_habitat_begins_at_local_midnight():
    times = pd.Series(pd.to_datetime(["2020-09-14T13:59Z", "2020-09-14T14:00Z"]))
    assert habitat_year(times, SUMMER, YEARS, timezone="Asia/Vladivostok").tolist() == [2019, 2020]
