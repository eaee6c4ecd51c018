"""Every kind of bad record, one by one: what becomes of it, and that the record beside it is used all the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from habitat.records import Reading, read_records
from habitat.records.kinds import FLAGGED, KINDS, MENDED, SET_ASIDE

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "records.md"
HEAD = "species,time,latitude,longitude,effort_id,count,individual,certain,observationType"
GOOD = "leopard,2021-05-03T06:10:00+10:00,43.1,131.1,c1,1,,,"
CAMERA = "effort_id,start,end,latitude,longitude,station,timestampIssues,Problem1_from,Problem1_to\n"
C1 = "c1,2021-05-01T00:00+10:00,2021-06-01T00:00+10:00,43.1,131.1,s1,,,\n"


@dataclass(frozen=True)
class Case:
    """A file with one fault, beside good records."""

    line: str = ""
    """A row that follows a good one: row 3."""
    cameras: str = ""
    """Deployments after c1."""
    files: dict[str, str | bytes] = field(default_factory=dict)
    """Whole files, in place of the line."""
    settings: dict[str, Any] = field(default_factory=dict)
    row: int = 3
    used: int | None = None
    """Records used in all; default: the good one, and the other unless it is set aside."""


def track(*fixes: str) -> str:
    return "patrol,time,latitude,longitude\n" + "".join(f"{fix}\n" for fix in fixes)


WALK = [f"p1,2021-05-03T0{h}:00Z,43.1{h},131.1" for h in range(3)]

CASES: dict[str, list[Case]] = {
    "no_time": [Case("leopard,,43.1,131.1,c1,,,,")],
    "time_unreadable": [Case("leopard,in May,43.1,131.1,c1,,,,")],
    "time_without_zone": [Case("leopard,2021-05-04T06:10:00,43.1,131.1,c1,,,,")],
    "time_impossible": [
        Case("leopard,2021-02-30T06:10Z,43.1,131.1,c1,,,,"),
        Case("lynx,2021-03-28T03:30,43.1,131.1,,,,,", settings={"timezone": "Europe/Bucharest"}),
        Case("lynx,2021-10-31T03:30,43.1,131.1,,,,,", settings={"timezone": "Europe/Bucharest"}),
    ],
    "day_or_month": [Case("leopard,05/04/2021 06:10+10:00,43.1,131.1,c1,,,,")],
    "clock_never_set": [Case("leopard,1970-01-01T00:03+10:00,43.1,131.1,c1,,,,")],
    "time_in_future": [Case("leopard,2121-05-03T06:10+10:00,43.1,131.1,c1,,,,")],
    "before_deployment": [Case("leopard,2021-03-09T06:10+10:00,43.1,131.1,c1,,,,")],
    "after_deployment": [Case("leopard,2021-07-09T06:10+10:00,43.1,131.1,c1,,,,")],
    "clock_shift": [
        Case(
            "leopard,2021-05-31T20:00Z,43.1,131.1,c2,,,,",
            cameras="c2,2021-06-01T00:00Z,2021-06-20T00:00Z,43.1,131.1,s2,,,\n",
        )
    ],
    "mixed_zones": [
        Case(
            files={
                "s.csv": f"{HEAD}\n{GOOD}\nleopard,2021-05-05T06:10:00Z,43.1,131.1,c1,,,,\n"
                "leopard,2021-05-06T06:10:00+10:00,43.1,131.1,c1,,,,\n"
            },
            used=3,
        )
    ],
    "timestamp_issues": [
        Case(
            "leopard,2021-05-05T06:10Z,43.1,131.1,c2,,,,",
            cameras="c2,2021-05-01T00:00Z,2021-06-01T00:00Z,43.1,131.1,s2,true,,\n",
        )
    ],
    "date_order_inferred": [
        Case(
            files={
                "s.csv": f"{HEAD}\nleopard,13/05/2021 06:10+10:00,43.1,131.1,c1,,,,\n"
                "leopard,04/05/2021 06:10+10:00,43.1,131.1,c1,,,,\nleopard,05/05/2021 06:10+10:00,43.1,131.1,c1,,,,\n"
            },
            used=3,
        ),
    ],
    "excel_date": [Case("leopard,44320.25,43.1,131.1,c1,,,,", settings={"timezone": "Asia/Vladivostok"})],
    "date_written_otherwise": [
        Case(f"leopard,{text}+10:00,43.1,131.1,c1,,,,")
        for text in (
            "4.5.2021 6:10",
            "2021/5/4 06:10",
            "2021:05:04 06:10:11",
            "2021年5月4日 06:10",
            "13/05/2021 6:10 PM",
        )
    ],
    "no_coordinates": [
        Case("leopard,2021-05-04T06:10Z,,131.1,,,,,"),
        Case("leopard,2021-05-04T06:10Z,,,zz,,,,"),
    ],
    "zero_coordinates": [Case("leopard,2021-05-04T06:10Z,0,0,c1,,,,")],
    "swapped_coordinates": [Case("leopard,2021-05-04T06:10Z,131.1,43.1,c1,,,,")],
    "latitude_range": [Case("leopard,2021-05-04T06:10Z,431.1,131.1,c1,,,,")],
    "longitude_range": [Case("leopard,2021-05-04T06:10Z,43.1,1311,c1,,,,")],
    "outside_area": [
        Case("leopard,2021-05-04T06:10Z,44.9,131.1,,,,,", settings={"area": shapely.box(131, 43, 132, 44)}),
    ],
    "far_from_deployment": [Case("leopard,2021-05-04T06:10Z,43.12,131.1,c1,,,,")],
    "degrees_minutes_seconds": [Case('leopard,2021-05-04T06:10Z,"43°06\'00"" N",E 131° 6.0\',c1,,,,')],
    "place_of_deployment": [Case("leopard,2021-05-04T06:10Z,,,c1,,,,")],
    "no_species": [Case(",2021-05-04T06:10Z,43.1,131.1,c1,,,,")],
    "species_unknown": [
        Case(f"{name},2021-05-04T06:10Z,43.1,131.1,c1,,,,") for name in ("Unknown", "sp.", "неизвестно")
    ],
    "person": [
        Case("Homo sapiens,2021-05-04T06:10Z,43.1,131.1,c1,,,,"),
        Case(",garbled,0,0,c1,,,,human"),
        Case("tiger,2021-05-04T06:10Z,43.1,131.1,c1,,,,human"),
        Case(",2021-05-04T06:10Z,43.1,131.1,c1,,,,People - poachers seen"),
        Case("человек,2021-05-04T06:10Z,43.1,131.1,c1,,,,"),
    ],
    "vehicle": [Case(",2021-05-04T06:10Z,43.1,131.1,c1,,,,vehicle")],
    "blank": [Case(",2021-05-04T06:10Z,43.1,131.1,c1,,,,blank")],
    "unclassified": [Case(f",2021-05-04T06:10Z,43.1,131.1,c1,,,,{kind}") for kind in ("unclassified", "unknown")],
    "camera_setup": [
        Case(
            files={
                "s.csv": "species,time,latitude,longitude,cameraSetupType\n"
                "leopard,2021-05-03T06:10Z,43.1,131.1,\nleopard,2021-05-04T06:10Z,43.1,131.1,calibration\n"
            }
        )
    ],
    "count_not_positive": [Case(f"leopard,2021-05-04T06:10Z,43.1,131.1,c1,{n},,,") for n in ("0", "-2")],
    "count_not_whole": [Case("leopard,2021-05-04T06:10Z,43.1,131.1,c1,1.5,,,")],
    "not_a_number": [
        Case("leopard,2021-05-04T06:10Z,43.1,131.1,c1,several,,,"),
        Case('leopard,2021-05-04T06:10Z,43.1,131.1,c1,"1,200",,,'),  # twelve hundred, or one and a fifth?
        Case("leopard,2021-05-04T06:10Z,43.1,inf,c1,,,,"),
    ],
    "uncertain": [
        Case("leopard,2021-05-04T06:10Z,43.1,131.1,c1,,,no,"),
        Case("leopard ?,2021-05-04T06:10Z,43.1,131.1,c1,,,,"),
    ],
    "certain_unreadable": [Case("leopard,2021-05-04T06:10Z,43.1,131.1,c1,,,perhaps,")],
    "repeated_event": [
        Case(
            files={
                "s.csv": "event,species,time,latitude,longitude\ne1,leopard,2021-05-03T06:10Z,43.1,131.1\n"
                "e1,leopard,2021-05-03T06:10Z,43.1,131.1\n"
            }
        )
    ],
    "told_by_event": [
        Case(
            files={
                "s.csv": "observationID,eventID,observationLevel,species,time,latitude,longitude,effort_id\n"
                "a,x,event,leopard,2021-05-03T06:10Z,43.1,131.1,c1\nb,x,media,leopard,2021-05-03T06:11Z,43.1,131.1,c1\n"
            }
        )
    ],
    "duplicate_across_files": [
        Case(
            files={
                "china.csv": "event,species,time,latitude,longitude,individual\n"
                "c7,Leopard,2021-05-03T04:10:00+08:00,43.1,131.1,Lp-12\n",
                "russia.csv": "event,species,time,latitude,longitude,individual\n"
                "r1,leopard,2021-05-09T06:10+10:00,43.1,131.1,\n"
                "r2,leopard,2021-05-03T06:10:00+10:00,43.1005,131.1,Leo 99M\n",
            },
            used=2,
        )
    ],
    "event_id_reused": [
        Case(
            files={
                "a.csv": "event,species,time,latitude,longitude\n1,leopard,2021-05-03T06:10Z,43.1,131.1\n",
                "b.csv": "event,species,time,latitude,longitude\n7,tiger,2021-05-04T06:10Z,43.1,131.1\n"
                "1,tiger,2021-05-05T06:10Z,43.1,131.1\n",
            },
            used=3,
        )
    ],
    "repeated_row": [Case(GOOD)],
    "no_effort_id": [Case(cameras=",2021-05-01T00:00Z,2021-06-01T00:00Z,43.1,131.1,s2,,,\n", used=1)],
    "ends_before_start": [Case(cameras="c2,2021-06-01T00:00Z,2021-05-01T00:00Z,43.1,131.1,s2,,,\n", used=1)],
    "worked_no_day": [
        Case(cameras="c2,2021-06-01,2021-06-01,43.1,131.1,s2,,,\n", used=1, settings={"timezone": "UTC"})
    ],
    "worked_too_long": [
        Case(
            files={
                "s.csv": f"{HEAD}\n{GOOD}\n",
                "effort.csv": "effort_id,start,end,latitude,longitude,effort_days\n"
                "c1,2021-05-01T00:00Z,2021-06-01T00:00Z,43.1,131.1,\nc2,2021-05-01T00:00Z,2021-06-01T00:00Z,43.1,131.1,40\n",
            },
            used=1,
        )
    ],
    "repeated_deployment": [Case(cameras=C1, used=1)],
    "effort_unknown": [Case("leopard,2021-05-04T06:10Z,43.1,131.1,c9,,,,")],
    "effort_ambiguous": [
        Case(
            files={
                "s.csv": "species,time,latitude,longitude,effort_id\nleopard,2021-05-03T06:10Z,43.3,131.1,c1\n",
                "effort.csv": f"{CAMERA}{C1}{C1.replace('43.1', '43.5')}",
            },
            row=2,
            used=1,
        )
    ],
    "in_a_gap": [
        Case(
            "leopard,2021-05-12T06:10Z,43.1,131.1,c2,,,,",
            cameras="c2,2021-05-01T00:00Z,2021-06-01T00:00Z,43.1,131.1,s2,,2021-05-10T00:00Z,2021-05-20T00:00Z\n",
        )
    ],
    "gap_unreadable": [
        Case(cameras="c2,2021-05-01T00:00Z,2021-06-01T00:00Z,43.1,131.1,s2,,2021-05-10T00:00Z,\n", used=1),
        Case(
            cameras="c2,2021-05-01T00:00Z,2021-06-01T00:00Z,43.1,131.1,s2,,2021-05-20T00:00Z,2021-05-10T00:00Z\n",
            used=1,
        ),
    ],
    "gap_outside_deployment": [
        Case(
            cameras="c2,2021-05-01T00:00Z,2021-06-01T00:00Z,43.1,131.1,s2,,2021-07-10T00:00Z,2021-07-12T00:00Z\n",
            used=1,
        )
    ],
    "overlapping_deployments": [
        Case(cameras="c2,2021-05-20T00:00Z,2021-07-01T00:00Z,43.1,131.1,s1,,,\n", used=1),
        Case(cameras="RU-17,2021-05-01T00:00+10:00,2021-06-01T00:00+10:00,43.1001,131.1001,Nezhino,,,\n", used=1),
    ],
    "days_of_matrix": [
        Case(
            files={
                "s.csv": f"{HEAD}\n{GOOD}\n",
                "effort.csv": f"{CAMERA}{C1}",
                "m.csv": "station,2021-05-03,2021-05-04\nc1,1,0\n",
            },
            row=2,
            used=1,
            settings={"timezone": "UTC"},
        )
    ],
    "station_not_in_matrix": [
        Case(
            files={
                "s.csv": f"{HEAD}\n{GOOD}\n",
                "effort.csv": f"{CAMERA}{C1}{C1.replace('c1', 'c2').replace('s1', 's2').replace('43.1', '43.2')}",
                "m.csv": "station,2021-05-03,2021-05-04\nc1,1,0\n",
            },
            row=3,
            used=1,
            settings={"timezone": "UTC"},
        )
    ],
    "station_in_two_places": [
        Case(
            files={
                "s.csv": f"{HEAD}\n{GOOD}\n",
                "effort.csv": f"{CAMERA}{C1}c1,2021-05-10T00:00Z,2021-05-20T00:00Z,43.2,131.1,s1,,,\n"
                "c9,2021-05-01T00:00Z,2021-06-01T00:00Z,43.3,131.1,s9,,,\n",
                "m.csv": "station,2021-05-03,2021-05-04\nc1,1,0\nc9,1,1\n",
            },
            row=2,
            used=1,
            settings={"timezone": "UTC"},
        )
    ],
    "station_moved": [Case(cameras="c2,2021-08-01T00:00Z,2021-09-01T00:00Z,43.2,131.1,s1,,,\n", used=1)],
    "fix_without_time": [Case(files={"t.csv": track(*WALK[:1], "p1,,43.11,131.1", *WALK[1:])}, used=0)],
    "track_too_short": [Case(files={"t.csv": track("p2,2021-05-03T00:00Z,43.1,131.1", *WALK)}, row=2, used=0)],
    "gps_jump": [Case(files={"t.csv": track(WALK[0], "p1,2021-05-03T00:30Z,49.1,131.1", *WALK[1:])}, used=0)],
    "encoding": [
        Case(
            files={"s.csv": "вид,дата,широта,долгота\nтигр,2021-05-03T06:10Z,43.1,131.1\n".encode("cp1251")},  # noqa: RUF001
            row=2,
            used=1,
        ),
        Case(
            files={"s.csv": "物种,时间,纬度,经度\n东北虎,2021-05-03T06:10Z,43.1,131.1\n".encode("gb18030")},
            row=2,
            used=1,
        ),
        Case(files={"s.csv": f"{HEAD}\n{GOOD}\n".encode("utf-16")}, row=2, used=1),
    ],
    "decimal_comma": [Case('leopard,2021-05-04T06:10Z,"43,1","131,1",c1,,,,')],
}


def read(tmp_path: Path, case: Case) -> Any:
    """Read the case's files."""
    files = case.files or {"s.csv": f"{HEAD}\n{GOOD}\n{case.line}\n" if case.line else f"{HEAD}\n{GOOD}\n"}
    for name, text in files.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    effort = ["effort.csv"] if "effort.csv" in files else []
    if not case.files or (any("c1" in str(text) for text in files.values()) and not effort):
        (tmp_path / "effort.csv").write_text(CAMERA + C1 + case.cameras)
        effort = ["effort.csv"]
    named = [tmp_path / name for name in files if name != "effort.csv"]
    return read_records(named, [tmp_path / name for name in effort], reading=Reading(**case.settings))


@pytest.mark.parametrize(
    ("kind", "case"),
    [pytest.param(kind, case, id=f"{kind}{i}") for kind, cases in CASES.items() for i, case in enumerate(cases)],
)
def test_what_becomes_of_each_kind(tmp_path: Path, kind: str, case: Case) -> None:
    records = read(tmp_path, case)
    found = records.findings[records.findings["kind"] == kind]
    assert set(found["row"]) == {case.row}, records.findings.to_string()
    assert set(found["outcome"]) == {KINDS[kind]}
    expected = case.used if case.used is not None else 1 if KINDS[kind] == SET_ASIDE else 2
    assert len(records.observations) == expected
    told = {source.file: source for source in records.sources}
    for file, source in told.items():
        if source.role == "observations":
            used = int((records.observations["file"] == file).sum())
            assert used + source.set_aside == source.records


def test_points_that_are_none_are_set_aside(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame(
        {"species": ["tiger"] * 2, "time": ["2021-05-03T06:10Z"] * 2},
        geometry=[shapely.Point(131, 43), shapely.box(131, 43, 132, 44)],
        crs="EPSG:4326",
    )
    table.to_file(tmp_path / "o.gpkg")
    records = read_records([tmp_path / "o.gpkg"])
    assert list(records.findings["kind"]) == ["not_a_point"]
    assert len(records.observations) == 1


def test_of_a_track_whose_hours_are_unknown_only_kilometres_count(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame(
        {"Patrol_ID": ["p1"], "Start_Date": ["2021-05-03"], "End_Date": ["2021-05-03"]},
        geometry=[shapely.LineString([(131, 43), (131, 43.1)])],
        crs="EPSG:4326",
    )
    table.to_file(tmp_path / "o.gpkg")
    records = read_records([tmp_path / "o.gpkg"], reading=Reading(timezone="Asia/Vladivostok"))
    assert list(records.findings["kind"]) == ["time_of_day_unknown"]
    assert not records.fixes["timed"].any()


def test_every_kind_has_its_case() -> None:
    alone = {"not_a_point", "time_of_day_unknown", "walked_together", "walked_together_in_part"}
    assert set(KINDS) == set(CASES) | alone
    assert len(KINDS) >= 30


def test_the_document_says_what_becomes_of_every_kind() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| (set aside|flagged|mended)\b", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    assert dict(rows) == KINDS
    assert len(rows) == len(KINDS)
    assert {outcome for _, outcome in rows} == {SET_ASIDE, FLAGGED, MENDED}


def test_nothing_is_told_of_people(tmp_path: Path) -> None:
    records = read(tmp_path, Case("Homo sapiens,2021-05-04T06:11:22Z,48.7654,130.4321,c1,1,Ivanov,,"))
    told = records.findings.to_string()
    assert list(records.findings["reason"]) == ["a person: not an animal"]
    assert not [text for text in ("48.76", "130.43", "06:11", "Ivanov") if text in told]
    assert "Homo sapiens" not in set(records.observations["species"])


def test_a_tiger_in_a_conflict_with_humans_is_a_tiger(tmp_path: Path) -> None:
    records = read(tmp_path, Case("tiger,2021-05-04T06:10+10:00,43.1,131.1,c1,,,,Human-wildlife conflict"))
    assert list(records.observations["species"]) == ["leopard", "tiger"]
    assert records.findings.empty
