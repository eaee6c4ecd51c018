"""Effort: where a camera stood, from when to when."""

from __future__ import annotations

import pandas as pd
import pytest

from habitat.errors import RecordsError
from habitat.records import Reading, read_effort, split_findings


def read(paths, **settings):
    """Effort and what was set aside: file, row, reason."""
    effort, findings = read_effort(paths, reading=Reading(**settings))
    return effort, split_findings(findings)[0][["file", "row", "reason"]]


HEADER = "deployment_id,start,end,latitude,longitude,camera_days\n"


@pytest.fixture
def write(tmp_path):
    def _write(text, name="effort.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return _write


def test_a_deployment(write):
    effort, quarantine = read(
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
        ("c2,2021-01-01Z,2021-01-01Z,43,131,", "worked no day: not surveyed"),
        ("c2,2021-01-01T10:00Z,2021-01-01T10:00Z,43,131,", "ends before it starts"),
        ("c2,2021-01-01Z,,43,131,", "no end"),
        ("c2,2021-01-01Z,2021-02-01Z,43,131,0", "worked no day: not surveyed"),
        ("c2,2021-01-01Z,2021-02-01Z,43,131,40", "worked more days than lie between start and end"),
        ("c2,2021-01-01Z,2021-02-01Z,43,131,many", "effort_days 'many' is not a number"),
        ("c1,2021-01-01Z,2021-02-01Z,43,131,", "effort_id 'c1' is used twice for the same days"),
    ],
)
def test_a_bad_deployment_is_set_aside(write, line, reason):
    effort, quarantine = read(write(f"{HEADER}c1,2021-01-01Z,2021-02-01Z,43,131,\n{line}\n"))
    assert list(effort["effort_id"]) == ["c1"]
    assert quarantine.to_dict("records") == [{"file": "effort.csv", "row": 3, "reason": reason}]


def test_one_column_map_serves_sightings_and_effort(write):
    path = write("trap,start,end,lat,lon\nc1,2021-01-01Z,2021-02-01Z,43,131\n")
    effort, _ = read(path, columns={"species": "art", "effort_id": "trap"})
    assert list(effort["effort_id"]) == ["c1"]
    with pytest.raises(RecordsError, match="has no column for effort_id"):
        read(path)


def test_whole_file_faults_are_those_of_sightings(write):
    with pytest.raises(RecordsError, match=r"seem swapped in effort.csv"):
        read(write(HEADER + "c1,2021-01-01Z,2021-02-01Z,131,43,\n"))
    with pytest.raises(RecordsError, match="no file of effort"):
        read([])


def test_a_day_without_its_hour_is_the_whole_day_for_records_and_its_noon_for_the_count_of_days(write):
    effort, _ = read(write(HEADER + "c1,2021-01-01,2021-01-11,43,131,\n"), timezone="Asia/Vladivostok")
    assert effort["start"].iloc[0] == pd.Timestamp("2020-12-31T14:00Z")
    assert effort["end"].iloc[0] == pd.Timestamp("2021-01-11T14:00Z")
    assert effort["effort_days"].iloc[0] == 10


def test_gaps_cut_a_deployment_into_rows(write):
    head = "Station,Setup_date,Retrieval_date,utm_y,utm_x,Problem1_from,Problem1_to,Problem2_from,Problem2_to\n"
    rows = (
        "A,01/04/2021,30/04/2021,4771500,435600,10/04/2021,15/04/2021,20/04/2021,22/04/2021\n"
        "B,01/04/2021,30/04/2021,4771500,436600,25/04/2021,30/04/2021,,\n"
        "C,01/04/2021,30/04/2021,4771500,437600,,,,\n"
    )
    effort, quarantine = read(write(head + rows), crs="EPSG:32652", timezone="Asia/Vladivostok")
    assert quarantine.empty
    assert dict(zip(effort["effort_id"], effort["effort_days"], strict=True)) == {
        "A/1": 9,  # 1 to 10 April
        "A/2": 5,  # 15 to 20
        "A/3": 8,  # 22 to 30
        "B": 24,  # 1 to 25: it did not work again
        "C": 29,
    }
    assert effort["end"].iloc[0] == pd.Timestamp("2021-04-10T14:00Z"), "pictures of the 10th belong to it"
    assert effort["start"].iloc[1] == pd.Timestamp("2021-04-14T14:00Z")


def test_days_worked_are_shared_out_among_the_rows_of_a_deployment(write):
    head = "station,start,end,latitude,longitude,effort_days,Problem1_from,Problem1_to\n"
    row = "A,2021-04-01T00:00Z,2021-05-01T00:00Z,43,131,10,2021-04-06T00:00Z,2021-04-16T00:00Z\n"
    effort, _ = read(write(head + row))
    assert effort["effort_days"].tolist() == pytest.approx([2.5, 7.5])  # 5 and 15 days between them


def test_a_station_used_season_after_season_has_a_row_for_each(write):
    rows = "c1,2021-01-01Z,2021-02-01Z,43,131,\nc1,2022-01-01Z,2022-02-01Z,43,131,\n"
    effort, quarantine = read(write(HEADER + rows))
    assert list(effort["effort_id"]) == ["c1/1", "c1/2"]
    assert list(effort["deployment"]) == ["c1", "c1"]
    assert quarantine.empty


def test_a_camera_that_never_worked_is_set_aside(write):
    head = "station,start,end,latitude,longitude,Problem1_from,Problem1_to\n"
    rows = "A,2021-04-01Z,2021-05-01Z,43,131,2021-04-01Z,2021-05-01Z\nB,2021-04-01Z,2021-05-01Z,43,131,,\n"
    effort, quarantine = read(write(head + rows))
    assert list(effort["effort_id"]) == ["B"]
    assert list(quarantine["reason"]) == ["worked no day: not surveyed"]


def test_days_that_other_dates_of_the_file_decide_are_flagged_unless_the_user_decides(write):
    head = "Station,latitude,longitude,Setup_date,Retrieval_date,Problem1_from,Problem1_to\n"
    path = write(f"{head}a,43,131,01/05/2021,20/05/2021,06/05/2021,07/05/2021\nb,42,131,03/03/2021,14/03/2021,,\n")
    effort, findings = read_effort(path, reading=Reading(timezone="UTC"))
    assert effort["start"].iloc[0] == pd.Timestamp("2021-05-01T00:00Z")
    flags = findings[findings["kind"] == "date_order_inferred"]
    assert flags["row"].tolist() == [2, 2, 2]  # set up, and both ends of the gap; 03/03 is the same either way
    assert flags["reason"].iloc[0].startswith("start '01/05/2021': which is the day")
    told = read_effort(path, reading=Reading(timezone="UTC", dates="day_first"))[1]
    assert "date_order_inferred" not in set(told["kind"])
