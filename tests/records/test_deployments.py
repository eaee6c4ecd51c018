"""Effort: where a camera stood, from when to when."""

from __future__ import annotations

import pandas as pd
import pytest

from habitat.errors import RecordsError
from habitat.records import read_effort

HEADER = "deployment_id,start,end,latitude,longitude,camera_days\n"


@pytest.fixture
def write(tmp_path):
    def _write(text, name="effort.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return _write


def test_a_deployment(write):
    effort, quarantine = read_effort(
        write(
            HEADER
            + "c1,2021-01-01T10:00+10:00,2021-02-01T10:00+10:00,43,131,\nc2,2021-01-01Z,2021-02-01Z,43,131,12.5\n"
        )
    )
    assert list(effort["effort_id"]) == ["c1", "c2"]
    assert list(effort["effort_days"]) == [31, 12.5]
    assert effort["start"].iloc[0] == pd.Timestamp("2021-01-01T00:00Z")
    assert effort.crs == "EPSG:4326"
    assert quarantine.empty


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",2021-01-01Z,2021-02-01Z,43,131,", "no effort_id"),
        ("c2,2021-02-01Z,2021-01-01Z,43,131,", "ends before it starts"),
        ("c2,2021-01-01Z,2021-01-01Z,43,131,", "ends before it starts"),
        ("c2,2021-01-01Z,,43,131,", "no end"),
        ("c2,2021-01-01Z,2021-02-01Z,43,131,0", "worked no day: not surveyed"),
        ("c2,2021-01-01Z,2021-02-01Z,43,131,40", "worked more days than lie between start and end"),
        ("c2,2021-01-01Z,2021-02-01Z,43,131,many", "effort_days 'many' is not a number"),
        ("c1,2021-01-01Z,2021-02-01Z,43,131,", "effort_id 'c1' is used twice"),
    ],
)
def test_a_bad_deployment_is_set_aside(write, line, reason):
    effort, quarantine = read_effort(write(f"{HEADER}c1,2021-01-01Z,2021-02-01Z,43,131,\n{line}\n"))
    assert list(effort["effort_id"]) == ["c1"]
    assert quarantine.to_dict("records") == [{"file": "effort.csv", "row": 3, "reason": reason}]


def test_one_column_map_serves_sightings_and_effort(write):
    path = write("trap,start,end,lat,lon\nc1,2021-01-01Z,2021-02-01Z,43,131\n")
    effort, _ = read_effort(path, columns={"species": "art", "effort_id": "trap"})
    assert list(effort["effort_id"]) == ["c1"]
    with pytest.raises(RecordsError, match="has no column for effort_id"):
        read_effort(path)


def test_whole_file_faults_are_those_of_sightings(write):
    with pytest.raises(RecordsError, match=r"seem swapped in effort.csv"):
        read_effort(write(HEADER + "c1,2021-01-01Z,2021-02-01Z,131,43,\n"))
    with pytest.raises(RecordsError, match="no file of effort"):
        read_effort([])
