"""Matrices of operation: day by day, which stations of a camera table worked."""

from __future__ import annotations

import pandas as pd
import pytest

from habitat.errors import RecordsError
from habitat.records import Reading, read_records

STATIONS = (
    "Station,utm_x,utm_y,Setup_date,Retrieval_date\nA,435600,4771500,2019-03-01,2019-03-20\n"
    "B,445600,4771500,2019-03-01,2019-03-20\nC,455600,4771500,2019-03-01,2019-03-20\n"
)
MATRIX = '"","2019-03-01","2019-03-02","2019-03-03","2019-03-04","2019-03-05"\n"A",NA,0.5,1,1,0\n"B",1,0,0,1,1\n'


@pytest.fixture
def read(tmp_path):
    def _read(matrix=MATRIX, stations=STATIONS, records="", timezone="Asia/Vladivostok"):
        files = {"stations.csv": stations, "operation.csv": matrix, "records.csv": records}
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        paths = [tmp_path / name for name, text in files.items() if text]
        return read_records(paths, reading=Reading(crs="EPSG:32652", timezone=timezone))

    return _read


def effort_of(records, station):
    mine = records.effort[records.effort["deployment"] == station]
    first = mine["start"].dt.tz_convert("Asia/Vladivostok").dt.strftime("%m-%d %H:%M")
    last = mine["end"].dt.tz_convert("Asia/Vladivostok").dt.strftime("%m-%d %H:%M")
    return list(zip(first, last, mine["effort_days"], strict=True))


@pytest.mark.parametrize("day", ["{}", "X{}", "Day{}"])
def test_days_that_a_camera_worked_are_its_effort_and_no_others(read, day):
    dates = [f"2019-03-0{n}" for n in range(1, 6)]
    matrix = MATRIX
    for date in dates:
        matrix = matrix.replace(date, day.format(date if day == "{}" else date.replace("-", ".")))
    records = read(matrix)
    # set up in the middle of the second day
    assert effort_of(records, "A") == [("03-02 00:00", "03-03 00:00", 0.5), ("03-03 00:00", "03-05 00:00", 2.0)]
    assert effort_of(records, "B") == [("03-01 00:00", "03-02 00:00", 1.0), ("03-04 00:00", "03-06 00:00", 2.0)]
    # of C the matrix tells nothing: the camera table's days stand
    assert effort_of(records, "C") == [("03-01 00:00", "03-21 00:00", 19.0)]
    assert [source.role for source in records.sources] == ["deployments", "operation"]


def test_stations_keep_their_places(read):
    records = read()
    east = records.effort.to_crs("EPSG:32652").groupby("deployment")["geometry"].first().x
    assert east.round().to_dict() == {"A": 435600, "B": 445600, "C": 455600}


def test_a_record_of_a_day_that_its_camera_did_not_work_is_flagged(read):
    seen = "Station,Species,DateTimeOriginal\nB,tiger,2019-03-02 06:00:00\nB,tiger,2019-03-04 06:00:00\n"
    records = read(records=seen)
    assert records.findings.loc[records.findings["kind"] == "in_a_gap", "row"].tolist() == [2]


def test_cameras_and_sessions_of_a_station_are_added_up(read):
    rows = ("A__CAM_1,1,1,NA", "A__CAM_2,1,NA,NA", "B__SESS_1,1,NA,NA", "B__SESS_2,NA,NA,1")
    matrix = "station,2019-03-01,2019-03-02,2019-03-03\n" + "\n".join(rows) + "\n"
    records = read(matrix)
    assert [days for _, _, days in effort_of(records, "A")] == [2.0, 1.0]
    assert [days for _, _, days in effort_of(records, "B")] == [1.0, 1.0]


def test_rows_that_tell_no_effort_are_set_aside(read):
    records = read(MATRIX + "C,0,0,NA,NA,NA\nZ,1,1,1,1,1\nA,1,many,1,1,1\n,1,1,1,1,1\n")
    aside = records.findings[records.findings["outcome"] == "set aside"]
    assert dict(zip(aside["row"], aside["kind"], strict=True)) == {
        4: "worked_no_day",
        5: "no_coordinates",
        6: "not_a_number",
        7: "no_effort_id",
    }


def test_days_need_a_zone_and_stations_a_place(read, tmp_path):
    with pytest.raises(RecordsError, match="no time zone"):
        read(timezone=None)
    with pytest.raises(RecordsError, match="no file where they stood"):
        read(stations="")


def test_days_of_a_station_in_two_places_at_once_are_nobodys(read):
    twice = STATIONS + "A,437200,4771500,2019-03-01,2019-03-20\n"
    records = read(stations=twice)
    aside = records.findings[records.findings["kind"] == "station_in_two_places"]
    assert aside["reason"].tolist() == ["the camera table has station 'A' in two places at once"]
    mine = records.effort[records.effort["deployment"].str.startswith("A")]
    assert mine["effort_days"].tolist() == [19.0, 19.0], "the camera table's days stand, of both"


def test_a_table_with_a_few_dates_in_its_header_is_no_matrix(read):
    records = read("effort_id,start,end,utm_x,utm_y\nD,2019-03-01,2019-03-02,435600,4771500\n")
    assert [source.role for source in records.sources] == ["deployments", "deployments"]
    assert records.effort["start"].max() == pd.Timestamp("2019-02-28T14:00Z")


def test_stations_that_no_matrix_tells_of_are_flagged_as_their_days_all_count(read):
    records = read()
    flags = records.findings[records.findings["kind"] == "station_not_in_matrix"]
    assert flags[["file", "row", "outcome"]].values.tolist() == [["stations.csv", 4, "flagged"]]
    assert "'C': all count as worked" in flags["reason"].iloc[0]
    assert not (read(MATRIX + "C,1,1,1,1,1\n").findings["kind"] == "station_not_in_matrix").any()
    assert not (read(matrix="").findings["kind"] == "station_not_in_matrix").any()
