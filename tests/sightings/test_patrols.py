"""Patrols: cut at the edges of cells, with hours and kilometres that add up, and shifts that meet the standard."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from habitat import grids
from habitat.errors import ContractError
from habitat.landscape import square_cells
from habitat.seasons import Season
from habitat.sightings import (
    Occasions,
    detection_history,
    effort_by_cell,
    link_to_effort,
    patrol_passes,
    patrol_shifts,
)

GRID = grids.grid_over((500_000, 4_800_000, 504_000, 4_802_000), "EPSG:32652", 20)
CELLS, ZONES = square_cells(GRID, 1000)  # four by two
TO_DEGREES = Transformer.from_crs("EPSG:32652", "EPSG:4326", always_xy=True)
START = pd.Timestamp("2021-10-05T00:00Z")


def walk(*fixes, patrol="p1", part=0, timed=True):
    """Fixes from (minutes, metres east of the grid's corner, metres north of it)."""
    minutes, east, north = (np.array(values, dtype=float) for values in zip(*fixes, strict=True))
    longitude, latitude = TO_DEGREES.transform(500_000 + east, 4_800_000 + north)
    return pd.DataFrame(
        {
            "patrol": patrol,
            "part": part,
            "time": pd.Series(START + pd.to_timedelta(minutes, unit="min")).astype("datetime64[us, UTC]"),
            "longitude": longitude,
            "latitude": latitude,
            "timed": timed,
            "transport": None,
        }
    )


def passes_of(fixes):
    return patrol_passes(fixes, CELLS, ZONES, grid=GRID)


def test_a_track_is_cut_where_it_leaves_a_cell():
    # 2 km east in an hour, from the middle of the first cell: 500 m, 1000 m, 500 m
    passes = passes_of(walk((0, 500, 500), (60, 2500, 500)))
    assert list(passes["effort_id"]) == ["p1/1", "p1/2", "p1/3"]
    assert list(passes["cell"]) == ["E5000N48000", "E5010N48000", "E5020N48000"]
    # zone 52's scale is 0.9996 at its central meridian, where this lies: true lengths are longer
    assert passes["effort_km"].to_numpy() == pytest.approx(np.array([0.5, 1.0, 0.5]) / 0.9996, rel=1e-4)
    assert (passes["effort_days"] * 24).to_numpy() == pytest.approx([0.25, 0.5, 0.25], abs=1e-5)
    seconds = (passes["start"] - START).dt.total_seconds().to_numpy()
    assert seconds == pytest.approx([0, 900, 2700], abs=0.1)
    assert (passes["end"].iloc[:-1].to_numpy() == passes["start"].iloc[1:].to_numpy()).all()
    lines = passes.to_crs("EPSG:32652").geometry
    assert lines.length.to_numpy() == pytest.approx([500, 1000, 500], abs=0.01)


def test_a_cell_that_is_entered_twice_has_two_passes():
    passes = passes_of(walk((0, 900, 500), (10, 1100, 500), (20, 900, 500)))
    assert list(passes["cell"]) == ["E5000N48000", "E5010N48000", "E5000N48000"]


def test_what_is_outside_all_cells_is_no_effort():
    passes = passes_of(walk((0, -999, 500), (60, 999, 500)))
    assert list(passes["cell"]) == ["E5000N48000"]
    assert passes["effort_days"].iloc[0] * 24 == pytest.approx(0.5, abs=1e-4)


def test_what_is_driven_and_what_nobody_knows_is_no_effort():
    # ten minutes on foot, 2 km in four minutes by car, ten minutes on foot, two hours of silence, ten on foot
    fixes = walk((0, 100, 500), (10, 400, 500), (14, 2400, 500), (24, 2700, 500), (144, 2800, 500), (154, 2900, 500))
    passes = passes_of(fixes)
    assert (passes["effort_days"] * 1440).to_numpy() == pytest.approx([10, 10, 10], abs=1e-3)
    assert passes["effort_km"].to_numpy() == pytest.approx(np.array([0.3, 0.3, 0.1]) / 0.9996, rel=1e-3)


def test_between_parts_nobody_walked():
    fixes = pd.concat([walk((0, 100, 500), (10, 400, 500)), walk((20, 700, 500), (30, 800, 500), part=1)])
    assert passes_of(fixes)["effort_km"].sum() == pytest.approx(0.4 / 0.9996, rel=1e-3)


def test_of_a_day_without_hours_only_kilometres_count():
    passes = passes_of(walk((0, 500, 500), (1440, 2500, 500), timed=False))
    assert passes["effort_days"].isna().all()
    assert passes["effort_km"].sum() == pytest.approx(2 / 0.9996, rel=1e-3)


def test_no_fix_gives_no_pass_and_disorder_is_refused():
    assert passes_of(walk((0, 1, 1)).iloc[:0]).empty
    with pytest.raises(ContractError, match="order of time"):
        passes_of(walk((10, 100, 500), (0, 400, 500)))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3999), st.integers(1, 1999)), min_size=2, max_size=12),
)
def test_cutting_loses_neither_a_metre_nor_a_second(points):
    fixes = walk(*((59 * k, x, y) for k, (x, y) in enumerate(points)))
    passes = passes_of(fixes)
    shift = patrol_shifts(fixes)
    assert passes["effort_km"].sum() == pytest.approx(shift["km"].sum(), abs=1e-6)
    assert passes["effort_days"].sum() * 24 == pytest.approx(59 * (len(points) - 1) / 60, abs=1e-6)
    at = passes.to_crs("EPSG:32652").geometry.interpolate(0.5, normalized=True)
    size = passes.to_crs("EPSG:32652").length
    named = [f"E{int(x // 1000) * 10}N{int(y // 1000) * 10}" for x, y in zip(at.x, at.y, strict=True)]
    inside = [cell == name for cell, name, m in zip(passes["cell"], named, size, strict=True) if m > 1]
    assert all(inside)


def test_the_standard_of_a_shift():
    east = (0, 2000, 4000)
    long = [(60 * k, 0, 0) if k % 2 == 0 else (60 * k, 2500, 0) for k in range(6)]  # five hours, 12.5 km
    near = [(60 * k, 0, 0) if k % 2 == 0 else (60 * k, 1000, 0) for k in range(6)]  # five hours, 5 km
    short = [(15 * k, 0, 0) if k % 2 == 0 else (15 * k, 2400, 0) for k in range(5)]  # one hour, 9.6 km
    driven = [(60 * k + 5 * (k % 2), east[k % 3], 0) for k in range(6)]
    shifts = patrol_shifts(
        pd.concat(
            [walk(*long, patrol="a"), walk(*near, patrol="b"), walk(*short, patrol="c"), walk(*driven, patrol="d")],
            ignore_index=True,
        )
    ).set_index("patrol")
    assert shifts["hours"].to_dict() == pytest.approx({"a": 5, "b": 5, "c": 1, "d": 305 / 60})
    assert shifts["km"].loc[["a", "b", "c"]].to_numpy() == pytest.approx(np.array([12.5, 5, 9.6]) / 0.9996, rel=1e-3)
    assert shifts["meets_standard"].loc[["a", "b", "c"]].tolist() == [True, False, False]


def test_a_rest_of_four_hours_begins_a_new_shift():
    fixes = walk((0, 0, 0), (50, 2000, 0), (50 + 239, 2000, 0), (50 + 239 + 241, 2000, 0), (600, 0, 0))
    shifts = patrol_shifts(fixes)
    assert list(shifts["shift"]) == [1, 2]
    assert shifts["hours"].tolist() == pytest.approx([289 / 60, 70 / 60])


def test_without_hours_a_long_walk_may_or_may_not_meet_the_standard():
    fixes = pd.concat(
        [
            walk((0, 0, 0), (700, 4000, 0), (1440, 0, 200), patrol="a", timed=False),
            walk((0, 0, 0), (1440, 2000, 0), patrol="b", timed=False),
            walk((0, 0, 0), (100, 4000, 0), (200, 0, 0), (300, 4000, 0), patrol="c", timed=False),
        ],
        ignore_index=True,
    )
    assert patrol_shifts(fixes)["meets_standard"].tolist() == [pd.NA, False, pd.NA]


OCCASIONS = Occasions.of(Season.parse("survey", "10-01/10-30"), 2021, days=10)


def test_a_patrol_surveys_the_cells_that_it_passes_and_no_others():
    passes = passes_of(walk((0, 500, 500), (60, 2500, 500)))
    cameras = gpd.GeoDataFrame(
        {"effort_id": ["c1"], "deployment": ["c1"], "start": [START], "end": [START + pd.Timedelta("20D")]},
        geometry=gpd.points_from_xy([128.99], [43.3]),
        crs="EPSG:4326",
    ).assign(effort_days=20.0, method="camera", cell="E5030N48000")
    effort = pd.concat([cameras, passes], ignore_index=True)
    observations = pd.DataFrame(
        {
            "event": [1, 2, 3],
            "species": "tiger",
            "time": START + pd.to_timedelta([30, 30, 90], unit="min"),
            "effort_id": ["p1", "c1", "p1"],
            "certain": pd.array([False, None, True], dtype="boolean"),
        }
    )
    linked = link_to_effort(observations, effort)
    assert list(linked["effort_id"]) == ["p1/2", "c1", "p1/3"]
    history, aside = detection_history(linked, effort, species="tiger", occasions=OCCASIONS)
    assert history["cell"].to_numpy().tolist() == ["E5000N48000", "E5010N48000", "E5020N48000", "E5030N48000"]
    first = history.isel(occasion=0)
    np.testing.assert_array_equal(first["detected"], [0, 1, 0, 1])
    np.testing.assert_allclose(first["effort"] * 24, [0.25, 0.5, 0.25, 24 * 6], atol=1e-4)
    np.testing.assert_allclose(first["effort_km"], np.array([0.5, 1, 0.5, 0]) / 0.9996, rtol=1e-3)
    np.testing.assert_array_equal(first["certain"], [np.nan, 0, np.nan, np.nan])
    assert np.isnan(history["detected"].isel(occasion=1)).to_numpy().tolist() == [True, True, True, False]
    assert aside["reason"].tolist() == ["outside the dates of its deployment"], "the patrol was over"


def test_kilometres_alone_are_effort():
    passes = passes_of(walk((0, 500, 500), (1440, 900, 500), timed=False))
    seen = pd.DataFrame({"event": [1], "species": "tiger", "time": [START], "effort_id": ["p1/1"]})
    history, aside = detection_history(seen, passes, species="tiger", occasions=OCCASIONS)
    np.testing.assert_array_equal(history["detected"], [[1, np.nan, np.nan]])
    assert aside.empty


def test_a_record_of_a_patrol_without_hours_belongs_to_the_pass_of_its_cell():
    passes = passes_of(walk((0, 500, 500), (1440, 2500, 500), timed=False))
    seen = pd.DataFrame({"time": [START], "effort_id": ["p1"], "cell": ["E5020N48000"]})
    assert list(link_to_effort(seen, passes)["effort_id"]) == ["p1/3"]


def test_effort_by_cell_keeps_cameras_and_patrols_apart():
    passes = passes_of(walk((0, 500, 500), (60, 2500, 500)))
    amounts = effort_by_cell(passes, OCCASIONS.edges)
    assert float(amounts["camera_days"].sum()) == 0
    assert float(amounts["patrol_hours"].sum()) == pytest.approx(1)
    assert float(amounts["patrol_km"].sum()) == pytest.approx(2 / 0.9996, rel=1e-3)
    assert amounts["surveyed"].sum(dim="cell").to_numpy().tolist() == [3, 0, 0]
