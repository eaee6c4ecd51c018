"""Two receivers of one team: hours and kilometres count once, finds of both count."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from habitat.records import read_records

HEAD = "patrol,time,latitude,longitude\n"
START = pd.Timestamp("2021-05-03T00:00Z")
METRE = 1 / 111_195
"""Degrees of latitude."""


def walk(patrol, minutes, *, aside_m=0.0, speed=50.0, every=5):
    """Fixes northward at 50 m a minute, `aside_m` metres of the line."""
    rows = []
    for minute in range(*minutes, every):
        time = (START + pd.Timedelta(minutes=minute)).isoformat()
        rows.append(f"{patrol},{time},{43 + minute * speed * METRE:.7f},{131 + aside_m * METRE / 0.7314:.7f}\n")
    return "".join(rows)


@pytest.fixture
def read(tmp_path):
    def _read(*texts, seen=""):
        paths = []
        for number, text in enumerate(texts):
            paths.append(tmp_path / f"t{number}.csv")
            paths[-1].write_text(HEAD + text)
        if seen:
            paths.append(tmp_path / "seen.csv")
            paths[-1].write_text(f"species,time,latitude,longitude,patrol\n{seen}")
        return read_records(paths)

    return _read


def hours(records):
    spans = records.fixes.groupby(["patrol", "part"])["time"].agg(lambda times: times.max() - times.min())
    return (spans.dt.total_seconds() / 3600).groupby("patrol").sum().to_dict()


def aside(records, kind="walked_together"):
    return records.findings[records.findings["kind"] == kind]


def test_two_receivers_of_one_team_count_once_and_the_longer_track_stays(read):
    records = read(walk("a", (30, 211)), walk("b", (0, 241), aside_m=40))
    assert hours(records) == {"b": 4.0}
    assert set(aside(records)["file"]) == {"t0.csv"}
    assert len(aside(records)) == 37 == records.sources[0].set_aside
    assert aside(records)["reason"].iloc[0] == "walked together with 'b' (t1.csv): counts once"


def test_teams_on_two_sides_of_a_valley_both_count(read):
    records = read(walk("a", (0, 241)), walk("b", (0, 241), aside_m=400))
    assert hours(records) == {"a": 4.0, "b": 4.0}
    assert aside(records).empty


def test_teams_that_meet_on_the_way_both_count(read):
    records = read(walk("a", (0, 241)), walk("b", (0, 241), speed=25, aside_m=5))
    assert hours(records) == {"a": 4.0, "b": 4.0}


def test_the_same_way_at_another_time_is_another_walk(read):
    later = walk("b", (0, 241)).replace("2021-05-03", "2021-05-04")
    assert hours(read(walk("a", (0, 241)), later)) == {"a": 4.0, "b": 4.0}


def test_what_a_shorter_track_tells_beyond_the_longer_one_counts(read):
    records = read(walk("a", (0, 301)), walk("b", (200, 421), aside_m=30))
    # b counts from its first fix after a's last one: 305 to 420 minutes
    assert hours(records) == pytest.approx({"a": 5.0, "b": 115 / 60})


def test_two_receivers_under_one_name_count_once(read):
    records = read(walk("a", (0, 241)), walk("a", (2, 240), aside_m=30, every=7))
    assert hours(records) == {"a": 4.0}


def test_what_the_other_receiver_found_belongs_to_the_walk_that_counts(read):
    seen = "tiger,2021-05-03T01:00Z,43.027,131,b\nlynx,2021-05-03T01:10Z,43.03,131,a\n"
    records = read(walk("a", (0, 241)), walk("b", (30, 200), aside_m=30), seen=seen)
    assert records.observations["effort_id"].tolist() == ["a", "a"]
    assert not records.findings["kind"].isin(["effort_unknown", "effort_ambiguous"]).any()


def test_of_a_line_that_goes_on_alone_the_row_is_flagged(tmp_path):
    def line(minutes, x):
        at = [START + pd.Timedelta(minutes=minute) for minute in range(*minutes, 5)]
        return shapely.LineString(
            [(x, 43 + (t - START).total_seconds() / 60 * 50 * METRE, t.timestamp() * 1000) for t in at]
        )

    for name, minutes, x in (("a", (0, 301), 131), ("b", (200, 421), 131.0004)):
        frame = gpd.GeoDataFrame({"Patrol_ID": [name]}, geometry=[line(minutes, x)], crs="EPSG:4326")
        frame.to_file(tmp_path / f"{name}.gpkg")
    records = read_records([tmp_path / "a.gpkg", tmp_path / "b.gpkg"])
    assert aside(records).empty
    assert aside(records, "walked_together_in_part")[["file", "row"]].values.tolist() == [["b.gpkg", 1]]
    assert hours(records) == pytest.approx({"a": 5.0, "b": 115 / 60})
