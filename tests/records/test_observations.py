"""Sightings: what is read, what is set aside and why, and what stops the reading of a whole file."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from habitat.errors import RecordsError
from habitat.records import Reading, read_sightings, split_findings


def read(paths, **settings):
    """Observations and what was set aside: file, row, reason."""
    observations, findings = read_sightings(paths, reading=Reading(**settings))
    return observations, split_findings(findings)[0][["file", "row", "reason"]]


HEADER = "species,time,latitude,longitude\n"
GOOD = "leopard,2021-05-03T06:10:00+10:00,43.1,131.1\n"


@pytest.fixture
def write(tmp_path):
    def _write(text, name="sightings.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return _write


def test_a_record_becomes_an_observation_in_utc(write):
    path = write(
        "Scientific Name;DateTimeOriginal;Lat;Lon;deploymentID;individualCount;Animal ID\n"
        "Panthera pardus;2021-05-03 06:10:00+10:00;43.1;131.1;7;2;L12\n"
    )
    observations, quarantine = read(path)
    row = observations.iloc[0]
    assert row["time"] == pd.Timestamp("2021-05-02T20:10Z")
    assert (row["species"], row["individual"], row["effort_id"], row["count"]) == ("Panthera pardus", "L12", "7", 2)
    assert (row["event"], row["file"], row["row"]) == ("sightings-2", "sightings.csv", 2)
    assert (row.geometry.x, row.geometry.y) == (131.1, 43.1)
    assert observations.crs == "EPSG:4326"
    assert quarantine.empty
    assert list(quarantine.columns) == ["file", "row", "reason"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",2021-05-03T06:10:00Z,43,131", "no species"),
        ("tiger,,43,131", "no time"),
        ("tiger,2021-05-03T06:10:00,43,131", "time carries no time zone"),
        ("tiger,last May,43,131", "time 'last May' is not like 2021-05-03T06:10:00+10:00"),
        ("tiger,03/05/2021 06:10Z,43,131", "time '03/05/2021 06:10Z': which is the day and which the month?"),
        ("tiger,2021-02-30T06:10Z,43,131", "time '2021-02-30T06:10Z' does not exist or is ambiguous"),
        ("tiger,2021-05-03T25:10Z,43,131", "time '2021-05-03T25:10Z' does not exist or is ambiguous"),
        ("tiger,2021-05-03T06:10Z,,131", "no coordinates"),
        ("tiger,2021-05-03T06:10Z,43,", "no coordinates"),
        ("tiger,2021-05-03T06:10Z,forty,131", "latitude 'forty' is not a number"),
        ("tiger,2021-05-03T06:10Z,43,inf", "longitude 'inf' is not a number"),
        ("tiger,2021-05-03T06:10Z,0,0", "coordinates are 0, 0"),
        ("tiger,2021-05-03T06:10Z,131,43", "latitude and longitude seem swapped"),
        ("tiger,2021-05-03T06:10Z,431,131", "latitude is outside -90 to 90"),
        ("tiger,2021-05-03T06:10Z,43,1310", "longitude is outside -180 to 180"),
        ("tiger", "no coordinates"),
    ],
)
def test_a_bad_record_is_set_aside_with_its_row_and_reason(write, line, reason):
    observations, quarantine = read(write(f"{HEADER}{GOOD}\n{line}\n{GOOD}"))
    assert list(observations["row"]) == [2, 5]
    assert quarantine.to_dict("records") == [{"file": "sightings.csv", "row": 4, "reason": reason}]


def test_an_event_is_read_once(write):
    head = "event,species,time,latitude,longitude\n"
    later = GOOD.replace("05-03", "05-04")
    files = [write(f"{head}e1,{GOOD}e2,{GOOD}", "a.csv"), write(f"{head}e2,{GOOD}e3,{later}", "b.csv")]
    observations, quarantine = read(files)
    assert list(observations["event"]) == ["e1", "e2", "e3"]
    assert quarantine.to_dict("records") == [
        {"file": "b.csv", "row": 2, "reason": "event 'e2' is already in a.csv, row 3"}
    ]


def test_only_the_species_asked_for(write):
    path = write(HEADER + GOOD + GOOD.replace("leopard", "Leopard") + GOOD.replace("leopard", "badger"))
    assert list(read(path, species=["leopard"])[0]["species"]) == ["leopard"] * 2
    with pytest.raises(RecordsError, match=r"no record of 'leopad'; did you mean 'leopard'\?"):
        read(path, species=["leopad"])


def test_columns_can_be_named(write):
    path = write("art,wann,y1,x1\nLuchs,2021-05-03T06:10Z,45,25\n")
    columns = {"species": "art", "time": "wann", "latitude": "y1", "longitude": "x1"}
    assert len(read(path, columns=columns)[0]) == 1
    with pytest.raises(RecordsError, match=r"sightings.csv: has no column 'wan' for time; is it 'wann'\?"):
        read(path, columns=columns | {"time": "wan"})
    with pytest.raises(RecordsError, match=r"unknown column 'specie'; did you mean 'species'\?"):
        read(path, columns={"specie": "art"})


def test_times_without_zone_need_the_zone(write):
    path = write(HEADER + GOOD.replace("+10:00", ""))
    with pytest.raises(RecordsError, match=r"sightings.csv: time: times carry no time zone \(row 2\); write them like"):
        read(path)
    times = read(path, timezone="Asia/Vladivostok")[0]["time"]
    assert times.iloc[0] == pd.Timestamp("2021-05-02T20:10Z")
    with pytest.raises(RecordsError, match="not a time zone"):
        read(path, timezone="Asia/Vladivostock")


def test_an_hour_that_the_clocks_skip_or_repeat_is_set_aside(write):
    lines = [f"lynx,{time},45,25\n" for time in ("2021-03-28T03:30", "2021-10-31T03:30", "2021-10-31T04:30")]
    observations, quarantine = read(write(HEADER + "".join(lines)), timezone="Europe/Bucharest")
    assert list(observations["row"]) == [4]
    assert quarantine["reason"].str.contains("does not exist or is ambiguous").all()


def test_swapped_coordinates_are_an_error_that_says_so(write):
    swapped = HEADER + "tiger,2021-05-03T06:10Z,131,43\n" * 3
    with pytest.raises(RecordsError, match=r"latitude and longitude seem swapped in sightings.csv \(3 of 3 records\)"):
        read(write(swapped))
    # where both could be a latitude, the area tells
    romania = HEADER + "lynx,2021-05-03T06:10Z,25,45\n" * 3
    assert len(read(write(romania))[0]) == 3
    with pytest.raises(RecordsError, match="seem swapped"):
        read(write(romania), area=shapely.box(24, 44, 26, 46))


def test_records_outside_the_area_are_kept(write):
    assert len(read(write(HEADER + GOOD), area=shapely.box(24, 44, 26, 46))[0]) == 1


def test_coordinates_in_metres(write):
    path = write("species,time,northing,easting\ntiger,2021-05-03T06:10Z,4771500,435600\n")
    point = read(path, crs="EPSG:32652")[0].geometry.iloc[0]
    assert point.x == pytest.approx(128.209, abs=1e-3)
    with pytest.raises(RecordsError, match="none of its 1 records can be used"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", " \n\n", "is empty"),
        ("a.csv", HEADER, "holds no records"),
        ("a.csv", "<!DOCTYPE html>\n<html><body>404, not found</body></html>", "is not a CSV"),
        ("a.csv", "leopards everywhere\nand tigers\n", "is not a CSV"),
        ("a.csv", '{"species": "tiger", "lat": 43}\n', "is not a CSV"),
        ("a.csv", "species,time\n".encode("utf-16"), "holds no records"),
        ("a.csv", b"\xff\xfe\x00", "is not UTF-8 text"),
        ("a.csv", b"species,time\n\x98\x98\xff,2\n", "is not UTF-8 text"),
        ("a.csv", HEADER + "tiger,2021-05-03T06:10Z,43,131,5,6\n", "more fields than its header"),
        ("a.csv", HEADER + GOOD + "tiger,2021-05-03T06:10Z,43,131,5,6\n", "is not a CSV .*line 3"),
        ("a.csv", HEADER + 'tiger,"2021-05-03T06:10Z,43,131\n', "is not a CSV"),
        ("a.csv", "species,time,latt,longitude\n" + GOOD, "has no column for latitude; is it 'latt'"),
        ("a.gpkg", "hello", "is not a GeoPackage"),
        ("a.gpkg", b"SQLite format 3\x00 but no more", "is not a GeoPackage"),
        ("a.gpkg", "<OGRVRTDataSource></OGRVRTDataSource>", "is not a GeoPackage"),
        ("a.parquet", "hello", "is not a GeoParquet"),
        ("a.xlsx", "hello", "of a kind that cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used(write, name, content, said):
    with pytest.raises(RecordsError, match=said) as caught:
        read(write(content, name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_no_file(tmp_path):
    with pytest.raises(RecordsError, match="no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(RecordsError, match="no file of sightings"):
        read([])


@pytest.mark.parametrize("name", ["o.gpkg", "o.parquet"])
def test_points_with_geometry(tmp_path, name):
    table = gpd.GeoDataFrame(
        {"species": ["tiger"] * 3, "time": pd.to_datetime(["2021-05-03T06:10Z", None, "2021-05-03T06:10Z"])},
        geometry=[shapely.Point(435600, 4771500), shapely.Point(435600, 4771500), None],
        crs="EPSG:32652",
    )
    path = tmp_path / name
    table.to_file(path) if name.endswith("gpkg") else table.to_parquet(path)
    observations, quarantine = read(path)
    assert observations.geometry.iloc[0].x == pytest.approx(128.209, abs=1e-3)
    assert observations["time"].iloc[0] == pd.Timestamp("2021-05-03T06:10Z")
    assert list(quarantine["row"]) == [2, 3]
    assert list(quarantine["reason"]) == ["no time", "no coordinates"]


def test_points_without_reference_system_are_refused(tmp_path):
    table = gpd.GeoDataFrame(
        {"species": ["tiger"], "time": ["2021-05-03T06:10Z"]}, geometry=[shapely.Point(435600, 4771500)]
    )
    table.to_parquet(tmp_path / "o.parquet")
    with pytest.raises(RecordsError, match="no reference system"):
        read(tmp_path / "o.parquet")
    assert len(read(tmp_path / "o.parquet", crs="EPSG:32652")[0]) == 1


FIELD = st.one_of(
    st.text(st.characters(exclude_characters='",\r\n\x00', codec="utf-8"), max_size=12),
    st.sampled_from(["tiger", "43.1", "131.1", "-43", "0", "2021-05-03T06:10Z", "2021-05-03", "NA", "9" * 30, "1e400"]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(FIELD, min_size=4, max_size=4), max_size=6))
def test_every_record_is_read_or_set_aside(write, rows):
    path = write(HEADER + GOOD * 7 + "".join(",".join(row) + "\n" for row in rows))
    observations, quarantine = read(path)
    there = {*range(2, 9), *(i + 9 for i, row in enumerate(rows) if any(field.strip() not in BLANK for field in row))}
    assert {*observations["row"], *quarantine["row"]} == there
    assert len(observations) + len(quarantine) == len(there)
    assert observations["time"].notna().all()
    assert observations.geometry.notna().all()
    assert observations.geometry.y.abs().le(90).all()


BLANK = {"", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"}
