"""Tracks of several files put together."""

from __future__ import annotations

import pandas as pd

from habitat.records.tracks import join_tracks


def line(file: str, patrol: str, *north: float, timed: bool) -> pd.DataFrame:
    """Fixes of one row, an hour apart, all from one station."""
    times = pd.to_datetime("2021-06-01", utc=True) + pd.to_timedelta(range(len(north)), unit="h")
    return pd.DataFrame(
        {
            "patrol": patrol,
            "part": 0,
            "time": pd.Series(times).astype("datetime64[us, UTC]"),
            "longitude": 131.0,
            "latitude": north,
            "timed": timed,
            "transport": None,
            "file": file,
            "row": 1,
        }
    )


def test_days_without_hours_that_begin_at_one_station_are_two_patrols_and_the_same_line_twice_is_one():
    first = line("a.gpkg", "a", 43.0, 43.1, timed=False)
    fixes, found = join_tracks([first, line("b.gpkg", "b", 43.0, 42.9, timed=False)])
    assert fixes.groupby("patrol").size().to_dict() == {"a": 2, "b": 2}
    assert found.empty
    fixes, found = join_tracks([first, line("c.gpkg", "c", 43.0, 43.1, timed=False)])
    assert fixes["patrol"].unique().tolist() == ["a"]
    assert found["reason"].tolist() == ["is told by a.gpkg"]


def test_fixes_with_hours_are_told_apart_one_by_one():
    fixes, _ = join_tracks([line("a.gpx", "a", 43.0, 43.1, timed=True), line("b.gpx", "b", 43.0, 42.9, timed=True)])
    assert fixes.groupby("patrol").size().to_dict() == {"a": 2, "b": 1}
