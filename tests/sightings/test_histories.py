"""No effort is not surveyed, never not detected."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitat.errors import ContractError, RecipeError
from habitat.seasons import Season
from habitat.sightings import Occasions, detection_history

SEASON = Season.parse("survey", "01-01/01-30")


def effort_table(*rows):
    names, cells, starts, ends, days = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {
            "effort_id": names,
            "cell": cells,
            "start": pd.to_datetime(list(starts), utc=True),
            "end": pd.to_datetime(list(ends), utc=True),
            "effort_days": np.array(days, dtype=float),
        },
        geometry=gpd.points_from_xy([131.0] * len(rows), [43.0] * len(rows)),
        crs="EPSG:4326",
    )


def event_table(*rows):
    times, ids, species = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "event": range(len(rows)),
            "species": species,
            "time": pd.to_datetime(list(times), utc=True),
            "effort_id": pd.Series(ids, dtype=object),
        }
    )


EFFORT = effort_table(
    ("a1", "A", "2021-01-01", "2021-01-21", 20),
    ("a2", "A", "2021-01-06", "2021-01-16", 5),
    ("b1", "B", "2020-12-01", "2021-01-11", 41),
    ("c1", "C", "2020-12-01", "2020-12-31", 30),
    ("x1", None, "2021-01-01", "2021-01-31", 30),
)


def test_a_season_by_hand():
    events = event_table(
        ("2021-01-12T05:00Z", "a1", "tiger"),
        ("2021-01-12T06:00Z", "a1", "leopard"),
        ("2021-01-25T05:00Z", "a1", "tiger"),
        ("2021-01-05T05:00Z", "x1", "tiger"),
        ("2021-01-05T05:00Z", "zz", "tiger"),
        ("2021-01-05T05:00Z", None, "tiger"),
        ("2021-02-05T05:00Z", "x1", "tiger"),
        ("2021-01-11T00:00Z", "b1", "tiger"),
    )
    history, set_aside = detection_history(
        events, EFFORT, species="tiger", occasions=Occasions.of(SEASON, 2021, days=10)
    )
    assert history["cell"].to_numpy().tolist() == ["A", "B"]
    np.testing.assert_allclose(history["effort"], [[12.5, 12.5, 0], [10, 0, 0]])
    np.testing.assert_array_equal(history["detected"], [[0, 1, np.nan], [1, np.nan, np.nan]])
    assert history.attrs == {"species": "tiger", "season": 2021}
    assert dict(zip(set_aside["event"], set_aside["reason"], strict=True)) == {
        2: "outside the dates of its deployment",
        3: "its deployment lies outside the area",
        4: "its effort_id is not among the effort",
    }


def test_a_deployment_that_worked_no_day_surveyed_nothing():
    effort = effort_table(("a", "A", "2021-01-01", "2021-01-21", 0), ("b", "B", "2021-01-01", "2021-01-21", 20))
    events = event_table(("2021-01-05T05:00Z", "a", "tiger"))
    history, set_aside = detection_history(
        events, effort, species="tiger", occasions=Occasions.of(SEASON, 2021, days=10)
    )
    assert history["cell"].to_numpy().tolist() == ["B"]
    assert set_aside["reason"].tolist() == ["its deployment worked no day"]


def test_without_any_effort_in_the_season_there_is_no_cell():
    history, _ = detection_history(
        event_table(("2023-01-05T05:00Z", None, "tiger")),
        EFFORT,
        species="tiger",
        occasions=Occasions.of(SEASON, 2023, days=10),
    )
    assert history.sizes == {"cell": 0, "occasion": 3}


def test_the_last_occasion_ends_with_the_season():
    occasions = Occasions.of(Season.parse("survey", "11-15/02-28"), 2020, days=30)
    assert occasions.edges[0] == pd.Timestamp("2019-11-15T00:00Z")
    assert occasions.edges[-1] == pd.Timestamp("2020-02-29T00:00Z")
    assert len(occasions) == 4
    with pytest.raises(RecipeError, match="only one"):
        Occasions.of(SEASON, 2021, days=30)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.integers(-20, 40), st.integers(1, 60), st.floats(0.1, 1)),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 20),
)
def test_effort_is_spread_but_never_lost(deployments, days):
    start = pd.Timestamp("2021-01-01", tz="UTC")
    rows = [
        (f"d{i}", cell, start + pd.Timedelta(days=a), start + pd.Timedelta(days=a + n), n * worked)
        for i, (cell, a, n, worked) in enumerate(deployments)
    ]
    effort = effort_table(*rows)
    events = event_table((start, "d0", "tiger"))
    history, _ = detection_history(events, effort, species="tiger", occasions=Occasions.of(SEASON, 2021, days=days))
    expected = sum(max(0, min(a + n, 30) - max(a, 0)) * worked for _, a, n, worked in deployments)
    assert float(history["effort"].sum()) == pytest.approx(expected)
    assert (np.isnan(history["detected"]) == (history["effort"] == 0)).all()


def test_effort_must_be_located_and_possible():
    occasions = Occasions.of(SEASON, 2021, days=10)
    events = event_table(("2021-01-05T05:00Z", None, "tiger"))
    with pytest.raises(ContractError, match="locate"):
        detection_history(events, EFFORT.drop(columns="cell"), species="tiger", occasions=occasions)
    with pytest.raises(ContractError, match="ends before"):
        detection_history(events, EFFORT.assign(end=EFFORT["start"]), species="tiger", occasions=occasions)


def test_local_days_fill_one_local_occasion():
    effort = effort_table(("a", "A", "2021-06-10T14:00Z", "2021-06-20T14:00Z", 10))
    events = event_table(("2021-06-10T14:00Z", "a", "tiger"))
    june = Season.parse("june", "06-01/06-30")
    occasions = Occasions.of(june, 2021, days=10, timezone="Asia/Vladivostok")
    history, _ = detection_history(events, effort, species="tiger", occasions=occasions)
    np.testing.assert_allclose(history["effort"], [[0, 10, 0]])
    np.testing.assert_array_equal(history["detected"], [[np.nan, 1, np.nan]])
