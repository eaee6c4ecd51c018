"""Whatever a file holds, a reader answers with records or with one line; and no row is lost on the way."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from habitat.errors import HabitatError, RecordsError
from habitat.records import Reading, Records, read_records
from habitat.records.kinds import KINDS

FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

ODD = st.one_of(
    st.sampled_from(
        [
            "",
            "NA",
            "tiger",
            "Homo sapiens",
            "43.1",
            "131.1",
            "43,1",
            "-43",
            "0",
            "1e400",
            "nan",
            "1,200",
            "?",
            "c1",
            "c2",
        ]
    ),
    st.sampled_from(
        [
            *("2021-05-03T06:10Z", "2021-05-03", "03/05/2021", "31/05/2021 06:10", "05/31/2021", "44320.5", "99999"),
            *(
                "2021:05:03 06:10:00",
                "2021年5月3日",
                "1970-01-01",
                "2999-01-01Z",
                "0000-00-00",
                "2021-05-03T06:10+99:00",
            ),
            *("12/13/2021 13:61 PM", "2021-13-45", "43°06'00\" N", "true", "no", "event", "media", "human", "blank"),
        ]
    ),
    st.text(st.characters(exclude_characters="\r\n\x00", codec="utf-8"), max_size=8),
)


def quoted(rows: list[list[str]]) -> str:
    return "".join(",".join('"' + field.replace('"', '""') + '"' for field in row) + "\n" for row in rows)


def settle(files: list[Path], effort: list[Path] | None = None, **asked: object) -> Records | None:
    """Records, or None where the reader said in one line what is wrong."""
    try:
        return read_records(files, effort or [], reading=Reading(timezone="Asia/Vladivostok", **asked))
    except HabitatError as caught:
        error = caught
    assert "\n" not in str(error)
    assert len(str(error)) > 10
    return None


def none_is_lost(records: Records) -> None:
    """Every row of a table is used, or set aside once."""
    aside = records.findings[records.findings["outcome"] == "set aside"]
    assert not aside.duplicated(["file", "row"]).any()
    assert set(records.findings["kind"]) <= set(KINDS)
    assert records.observations["event"].is_unique
    assert records.effort["effort_id"].is_unique
    for source in records.sources:
        if source.role == "observations":
            mine = records.observations[records.observations["file"] == source.file]
            assert not set(mine["row"]) & set(aside["row"][aside["file"] == source.file])
            assert len(mine) + source.set_aside == source.records
        if source.role == "deployments":
            used = records.effort[records.effort["file"] == source.file]["row"].nunique()
            assert used + source.set_aside == source.records
    assert records.observations["time"].notna().all()
    assert records.observations.geometry.notna().all()
    assert (records.effort["effort_days"] > 0).all()
    assert (records.effort["end"] > records.effort["start"]).all()


SEEN = ["species", "time", "latitude", "longitude", "deploymentID", "count", "certain", "eventID", "observationLevel"]
WHOLE = ["tiger", "2021-05-03T06:10Z", "43.1", "131.1", "c1", "1", "", "", ""]


@FEW
@given(st.lists(st.lists(ODD, min_size=9, max_size=9), max_size=8))
def test_no_record_is_lost(tmp_path: Path, rows: list[list[str]]) -> None:
    (tmp_path / "s.csv").write_text(quoted([SEEN, *[WHOLE] * 9, *rows]), encoding="utf-8")
    records = settle([tmp_path / "s.csv"])
    if records is not None:
        none_is_lost(records)


STOOD = ["effort_id", "start", "end", "latitude", "longitude", "station", "Problem1_from", "Problem1_to"]
CAMERA = ["c1", "2021-05-01T00:00Z", "2021-06-01T00:00Z", "43.1", "131.1", "s1", "", ""]


@FEW
@given(
    st.lists(st.lists(ODD, min_size=8, max_size=8), max_size=6),
    st.lists(st.lists(ODD, min_size=9, max_size=9), max_size=4),
)
def test_no_deployment_is_lost(tmp_path: Path, cameras: list[list[str]], rows: list[list[str]]) -> None:
    (tmp_path / "e.csv").write_text(quoted([STOOD, CAMERA, *cameras]), encoding="utf-8")
    (tmp_path / "s.csv").write_text(quoted([SEEN, *[WHOLE] * 5, *rows]), encoding="utf-8")
    records = settle([tmp_path / "s.csv"], [tmp_path / "e.csv"])
    if records is not None:
        none_is_lost(records)


@FEW
@given(st.lists(st.lists(ODD, min_size=4, max_size=4), max_size=8))
def test_no_fix_is_lost(tmp_path: Path, rows: list[list[str]]) -> None:
    walk = [["p1", f"2021-05-03T0{h}:00Z", f"43.1{h}", "131.1"] for h in range(4)]
    (tmp_path / "t.csv").write_text(quoted([["patrol", "time", "lat", "lon"], *walk, *rows]), encoding="utf-8")
    records = settle([tmp_path / "t.csv"])
    if records is not None:
        (source,) = records.sources
        assert source.role == "tracks"
        assert len(records.fixes) + source.set_aside == source.records


def _nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner) | st.dictionaries(st.text(max_size=9), inner)


@FEW
@given(
    st.lists(st.lists(ODD, min_size=5, max_size=5), max_size=5),
    st.recursive(st.none() | st.integers() | st.text(max_size=5), _nested, max_leaves=6),
    st.booleans(),
)
def test_a_package_is_read_or_refused(tmp_path: Path, rows: list[list[str]], said: object, sound: bool) -> None:
    resources = [{"name": n, "path": f"{n}.csv"} for n in ("deployments", "observations")]
    description = json.dumps({"resources": resources} if sound else said)
    cameras = [["deploymentID", "deploymentStart", "deploymentEnd", "latitude", "longitude"], CAMERA[:5], *rows]
    seen = [["observationID", "deploymentID", "eventStart", "scientificName", "observationType"]]
    seen += [["a", "c1", "2021-05-03T06:10Z", "tiger", "animal"], *rows]
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("x/datapackage.json", description)
        archive.writestr("x/deployments.csv", quoted(cameras))
        archive.writestr("x/observations.csv", quoted(seen))
    records = settle([tmp_path / "p.zip"])
    if records is not None:
        none_is_lost(records)


GPX = (
    '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="43.1" lon="131.1">'
    "<time>2021-05-03T06:10:00Z</time><name>tiger track 12</name></wpt><trk><name>p1</name><trkseg>"
    '<trkpt lat="43.1" lon="131.1"><time>2021-05-03T06:00:00Z</time></trkpt>'
    '<trkpt lat="43.11" lon="131.1"><time>2021-05-03T06:30:00Z</time></trkpt></trkseg></trk></gpx>'
)


@FEW
@given(st.integers(0, len(GPX)), st.integers(0, 12), st.text(max_size=6))
def test_a_damaged_gpx_is_read_or_refused(tmp_path: Path, at: int, gone: int, put: str) -> None:
    (tmp_path / "p.gpx").write_bytes((GPX[:at] + put + GPX[at + gone :]).encode("utf-8", "surrogatepass"))
    records = settle([tmp_path / "p.gpx"])
    if records is not None:
        none_is_lost(records)


@pytest.mark.parametrize("suffix", ["csv", "gpkg", "parquet", "shp", "zip", "gpx", "txt"])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
@example(b"SQLite format 3\x00")
@example(b"PK\x03\x04")
@example(b"\x00\x00\x27\x0a" + b"\x00" * 96)
@example(b"PAR1")
@example(b"\xef\xbb\xbf")
def test_bytes_that_are_no_file_are_refused_in_one_line(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"f.{suffix}"
    path.write_bytes(content)
    assert settle([path]) is None


def test_a_waypoint_belongs_to_the_patrol_under_way(tmp_path: Path) -> None:
    (tmp_path / "p.gpx").write_text(GPX)
    records = settle([tmp_path / "p.gpx"])
    assert records is not None
    row = records.observations.iloc[0]
    assert (row["species"], row["effort_id"], row["event"]) == ("tiger track 12", "p1", "p-waypoints-1")
    assert [source.file for source in records.sources] == ["p.gpx/tracks", "p.gpx/waypoints"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<!DOCTYPE g [<!ENTITY a "b">]><gpx>&a;</gpx>', "is not a GPX file"),
        ("<kml></kml>", "is not a GPX file"),
        ("<gpx><rte><rtept lat='43' lon='131'/></rte></gpx>", "holds neither tracks nor waypoints"),
    ],
)
def test_what_is_no_gpx_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "p.gpx").write_text(text)
    with pytest.raises(RecordsError, match=said):
        read_records([tmp_path / "p.gpx"])


def test_a_package_may_name_no_file_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    (tmp_path / "p").mkdir()
    resources = [{"name": n, "path": "../secret.csv"} for n in ("deployments", "observations")]
    (tmp_path / "p" / "datapackage.json").write_text(json.dumps({"resources": resources}))
    with pytest.raises(RecordsError, match="outside its folder"):
        read_records([tmp_path / "p"])


def test_a_zip_that_unfolds_too_far_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitat.records.files.MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("datapackage.json", " " * 5000)
    with pytest.raises(RecordsError, match="unfolds to more"):
        read_records([tmp_path / "p.zip"])


def test_every_layer_of_a_geopackage_is_read(tmp_path: Path) -> None:
    points = gpd.GeoDataFrame(
        {"Patrol_ID": ["p1"], "Species": ["tiger"], "Waypoint_Date": ["2021-05-03"], "Waypoint_Time": ["06:10:00"]},
        geometry=[shapely.Point(131, 43)],
        crs=4326,
    )
    tracks = gpd.GeoDataFrame(
        {"Patrol_ID": ["p1"], "Start_Date": ["2021-05-03"], "Start_Time": ["05:00"], "End_Time": ["07:00"]},
        geometry=[shapely.LineString([(131, 43), (131, 43.05)])],
        crs=4326,
    )
    points.to_file(tmp_path / "smart.gpkg", layer="waypoints")
    tracks.to_file(tmp_path / "smart.gpkg", layer="tracks")
    records = settle([tmp_path / "smart.gpkg"])
    assert records is not None
    assert [(s.file, s.format, s.role) for s in records.sources] == [
        ("smart.gpkg/waypoints", "smart", "observations"),
        ("smart.gpkg/tracks", "smart", "tracks"),
    ]
    assert records.observations["effort_id"].tolist() == ["p1"]
    assert len(records.fixes) == 2
    assert records.findings.empty


def test_a_track_in_two_files_is_walked_once(tmp_path: Path) -> None:
    (tmp_path / "one.gpx").write_text(GPX)
    (tmp_path / "copy.gpx").write_text(GPX.replace("<name>p1</name>", "<name>day 3</name>"))
    records = read_records([tmp_path / "one.gpx", tmp_path / "copy.gpx"])
    assert set(records.fixes["patrol"]) == {"p1"}
    aside = records.findings[records.findings["outcome"] == "set aside"]
    assert set(zip(aside["file"], aside["row"], aside["kind"], strict=True)) == {
        ("copy.gpx/tracks", 1, "duplicate_across_files"),
        ("copy.gpx/tracks", 2, "duplicate_across_files"),
        ("copy.gpx/waypoints", 1, "duplicate_across_files"),
    }


def test_parts_of_one_patrol_from_two_files_come_in_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "late.gpx").write_text(GPX.replace("T06:", "T09:").replace("43.11", "43.12"))
    (tmp_path / "early.gpx").write_text(GPX)
    fixes = read_records([tmp_path / "late.gpx", tmp_path / "early.gpx"]).fixes
    assert fixes["time"].is_monotonic_increasing
    assert fixes["part"].tolist() == [0, 0, 1, 1]
