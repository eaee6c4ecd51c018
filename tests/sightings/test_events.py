"""Ten pictures of one animal are one event."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitat.sightings import independent_events


def records(minutes, species="tiger", individual=None, effort_id="c1", count=1, lon=131.0):
    n = len(minutes)
    start = pd.Timestamp("2021-05-03T06:00Z")
    return gpd.GeoDataFrame(
        {
            "event": [f"r{i}" for i in range(n)],
            "species": species,
            "individual": individual,
            "time": pd.Series([start + pd.Timedelta(minutes=m) for m in minutes], dtype="datetime64[us, UTC]"),
            "effort_id": effort_id,
            "count": count,
        },
        geometry=gpd.points_from_xy(np.broadcast_to(lon, n), np.full(n, 43.0)),
        crs="EPSG:4326",
    )


def test_time_runs_from_the_first_record_of_an_event():
    events = independent_events(records([0, 20, 29, 30, 45, 61], count=[1, 3, 1, 1, 2, 1]), independent_minutes=30)
    assert list(events["event"]) == ["r0", "r3", "r5"]
    assert list(events["records"]) == [3, 2, 1]
    assert list(events["count"]) == [3, 2, 1]


@pytest.mark.parametrize(
    "apart",
    [
        {"species": ["tiger", "leopard"]},
        {"individual": ["T1", "T2"]},
        {"individual": ["T1", None]},
        {"effort_id": ["c1", "c2"]},
        {"effort_id": None, "lon": [131.0, 131.01]},
    ],
)
def test_records_of_different_animals_or_places_stay_apart(apart):
    assert len(independent_events(records([0, 1], **apart))) == 2
    same = {key: value[0] if isinstance(value, list) else value for key, value in apart.items()}
    assert len(independent_events(records([0, 1], **same))) == 1


def test_order_in_the_file_does_not_matter_and_zero_minutes_keep_all():
    table = records([0, 20, 40, 70])
    events = independent_events(table.iloc[[3, 1, 0, 2]])
    assert list(events["event"]) == ["r0", "r2", "r3"]
    assert len(independent_events(table, independent_minutes=0)) == 4


def test_no_record_gives_no_event():
    assert len(independent_events(records([0]).iloc[:0])) == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=30), st.integers(1, 60))
def test_events_are_apart_and_no_record_is_lost(minutes, apart):
    events = independent_events(records(minutes), independent_minutes=apart)
    assert events["records"].sum() == len(minutes)
    gaps = events["time"].diff().dropna()
    assert (gaps >= pd.Timedelta(minutes=apart)).all()
    assert len(independent_events(events, independent_minutes=apart)) == len(events)


def test_events_do_not_chain():
    """An animal photographed every ten minutes for two hours gives four events, not one."""
    events = independent_events(records(range(0, 120, 10)), independent_minutes=30)
    assert list(events["event"]) == ["r0", "r3", "r6", "r9"]
    assert list(events["records"]) == [3, 3, 3, 3]


def test_one_certain_record_makes_an_event_certain():
    table = records([0, 5, 60, 65, 120]).assign(
        certain=pd.array([False, True, False, None, None], dtype="boolean"),
        probability=[0.6, 0.99, 0.5, np.nan, np.nan],
    )
    events = independent_events(table)
    assert events["certain"].tolist() == [True, False, pd.NA]
    assert events["probability"].tolist()[:2] == [0.99, 0.5]
    assert np.isnan(events["probability"].iloc[2])
