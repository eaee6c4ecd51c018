"""Two parks with the same names: whose camera stood where, and whose record it is."""

from __future__ import annotations

import json

import pytest

from habitat.records import Reading, read_records

CAMERAS = "effort_id,start,end,latitude,longitude\n"
MAY = "2021-05-01T00:00Z,2021-06-01T00:00Z"
SEEN = "species,time,latitude,longitude,effort_id\n"


@pytest.fixture
def write(tmp_path):
    def _write(**files):
        paths = []
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".csv")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            paths.append(path)
        return paths

    return _write


def told(records, kind):
    return records.findings.loc[records.findings["kind"] == kind, ["file", "row"]].values.tolist()


def links(records):
    return dict(zip(records.observations["event"], records.observations["effort_id"], strict=True))


def two_parks(write, *, north="43.0,131.0", south="42.0,131.0"):
    return write(
        north__cameras=f"{CAMERAS}CAM01,{MAY},{north}\n",
        south__cameras=f"{CAMERAS}CAM01,{MAY},{south}\n",
        north__seen=f"event,{SEEN}n1,tiger,2021-05-03T06:10Z,,,CAM01\n",
        south__seen=f"event,{SEEN}s1,tiger,2021-05-03T06:10Z,,,CAM01\n",
    )


def test_a_camera_of_each_park_keeps_its_effort_and_its_records(write):
    records = read_records(two_parks(write))
    assert records.effort["effort_id"].tolist() == ["CAM01 (north)", "CAM01 (south)"]
    assert records.effort["effort_days"].tolist() == [31, 31]
    assert links(records) == {"n1": "CAM01 (north)", "s1": "CAM01 (south)"}
    assert records.observations.geometry.y.tolist() == [43.0, 42.0]
    assert set(records.findings["kind"]) == {"place_of_deployment"}


def test_within_the_error_of_a_receiver_it_is_one_camera_told_twice(write):
    records = read_records(two_parks(write, south="43.001,131.0"))  # 111 m
    assert records.effort["effort_id"].tolist() == ["CAM01"]
    assert told(records, "repeated_deployment") == [["south/cameras.csv", 2]]
    apart = read_records(two_parks(write, south="43.002,131.0"))  # 222 m
    assert len(apart.effort) == 2


def test_a_column_says_whose_a_camera_is(write):
    paths = write(
        cameras=f"park,{CAMERAS}north,CAM01,{MAY},43,131\nsouth,CAM01,{MAY},42,131\nnorth,CAM02,{MAY},43.1,131\n",
        seen="event,park,species,time,effort_id\nn,north,tiger,2021-05-03T06:10Z,CAM01\n"
        "s,south,tiger,2021-05-04T06:10Z,CAM01\nx,south,tiger,2021-05-04T06:10Z,CAM02\n?,,tiger,2021-05-05T06:10Z,CAM01\n",
    )
    records = read_records(paths)
    assert links(records) == {"n": "CAM01 (north)", "s": "CAM01 (south)"}
    # of CAM02 the south has none, and whose the last one is nobody says: without an own place neither can be used
    assert told(records, "no_coordinates") == [["seen.csv", 4], ["seen.csv", 5]]
    reason = records.findings["reason"].iloc[-1]
    assert "CAM01 (north), CAM01 (south)" in reason
    assert "a column `park` in the records and in the effort would" in reason


def test_in_one_folder_the_place_tells_else_the_time_else_nobody_guesses(write):
    paths = write(
        a=f"{CAMERAS}CAM01,{MAY},43,131\n",
        b=f"{CAMERAS}CAM01,2021-05-20T00:00Z,2021-07-01T00:00Z,42,131\n",
        seen=f"event,{SEEN}a,tiger,2021-05-25T06:10Z,43.001,131,CAM01\nb,tiger,2021-05-26T06:10Z,42.001,131,CAM01\n"
        "t,tiger,2021-06-15T06:10Z,,,CAM01\nfar,tiger,2021-05-25T06:10Z,42.5,131,CAM01\n",
    )
    records = read_records(paths)
    assert links(records) == {"a": "CAM01 (a)", "b": "CAM01 (b)", "t": "CAM01 (b)", "far": None}
    assert told(records, "effort_ambiguous") == [["seen.csv", 5]]


def test_capitals_do_not_make_another_park(write):
    paths = write(
        cameras=f"park,{CAMERAS}North,CAM01,{MAY},43,131\nSouth,CAM01,{MAY},42,131\n",
        seen="event,park,species,time,effort_id\nn,north,tiger,2021-05-03T06:10Z,CAM01\n"
        "s,SOUTH ,tiger,2021-05-04T06:10Z,CAM01\n",
    )
    assert links(read_records(paths)) == {"n": "CAM01 (North)", "s": "CAM01 (South)"}


def test_a_record_of_another_park_is_not_counted_at_the_only_camera_of_its_name(write):
    paths = write(a=f"{CAMERAS}CAM01,{MAY},43,131\n", seen=f"{SEEN}tiger,2021-05-25T06:10Z,42,131,CAM01\n")
    records = read_records(paths)
    assert records.observations["effort_id"].tolist() == [None]
    assert told(records, "far_from_deployment") == [["seen.csv", 2]]
    assert "'CAM01'" in records.findings["reason"].iloc[0]


def test_seasons_of_one_camera_in_several_files_stay_one_camera(write):
    paths = write(
        y1__cameras=f"{CAMERAS}CAM01,{MAY},43,131\n",
        y2__cameras=f"{CAMERAS}CAM01,{MAY.replace('2021', '2022')},43.0005,131\n",
        seen="event,species,time,effort_id\na,tiger,2022-05-03T06:10Z,CAM01\n",
    )
    records = read_records(paths)
    assert records.effort["effort_id"].tolist() == ["CAM01/1", "CAM01/2"]
    assert links(records) == {"a": "CAM01"}
    assert records.observations.geometry.y.tolist() == [43.0005]


def test_in_one_file_a_camera_may_move_but_not_stand_at_two_places_at_once(write):
    moved = f"{CAMERAS}CAM01,{MAY},43,131\nCAM01,2021-06-02T00:00Z,2021-07-01T00:00Z,42,131\n"
    assert read_records(write(moved=moved)).effort["deployment"].tolist() == ["CAM01", "CAM01"]
    both = f"{CAMERAS}CAM01,{MAY},43,131\nCAM01,{MAY},42,131\n"
    assert read_records(write(both=both)).effort["deployment"].tolist() == [
        "CAM01 (both.csv 2)",
        "CAM01 (both.csv 3)",
    ]


def packages(tmp_path, *parks, name="1"):
    for park, latitude in parks:
        (tmp_path / park).mkdir()
        resources = [{"name": name, "path": f"{name}.csv"} for name in ("deployments", "observations")]
        (tmp_path / park / "datapackage.json").write_text(json.dumps({"resources": resources}))
        (tmp_path / park / "deployments.csv").write_text(
            "deploymentID,deploymentStart,deploymentEnd,latitude,longitude\n" + f"1,{MAY},{latitude},131\n"
        )
        (tmp_path / park / "observations.csv").write_text(
            "observationID,deploymentID,eventStart,scientificName,observationType\n"
            f"{park},{name},2021-05-03T06:10Z,Panthera tigris,animal\n"
        )


def test_the_cameras_of_a_data_package_are_its_own(tmp_path):
    packages(tmp_path, ("north", 43), ("south", 42))
    records = read_records([tmp_path / "north", tmp_path / "south" / "datapackage.json"])
    assert links(records) == {"north": "1 (north)", "south": "1 (south)"}
    assert records.findings.empty


def test_a_package_told_twice_keeps_its_records(tmp_path):
    packages(tmp_path, ("north", 43), ("copy", 43))
    (tmp_path / "copy" / "observations.csv").write_text(
        (tmp_path / "north" / "observations.csv").read_text().replace("06:10Z", "07:10Z").replace("north", "copy")
    )
    records = read_records([tmp_path / "north", tmp_path / "copy"])
    assert links(records) == {"north": "1", "copy": "1"}
    assert set(records.findings["kind"]) == {"repeated_deployment"}


def test_a_record_of_a_package_is_of_no_other_file_s_camera(tmp_path):
    packages(tmp_path, ("south", 42), name="2")
    (tmp_path / "north.csv").write_text(f"{CAMERAS}2,{MAY},43,131\n")
    with (tmp_path / "south" / "observations.csv").open("a") as file:
        file.write("good,1,2021-05-04T06:10Z,Panthera tigris,animal\n")
    records = read_records([tmp_path / "south"], [tmp_path / "north.csv"])
    assert links(records) == {"good": "1"}
    assert told(records, "no_coordinates") == [["south/observations.csv", 2]]


def test_stations_of_two_parks_are_no_neighbours(write):
    head = "effort_id,start,end,latitude,longitude,station\n"
    paths = write(north__c=f"{head}n1,{MAY},43,131,1\n", south__c=f"{head}s1,{MAY},42,131,1\n")
    assert read_records((), paths).findings.empty


def test_a_patrol_named_as_a_camera_is_called_so_and_keeps_its_records(write):
    walk = "".join(f"P1,2021-05-03T0{h}:00Z,42.0{h},131\n" for h in range(3))
    paths = write(
        cameras__c=f"{CAMERAS}P1,{MAY},43,131\n",
        walks__t=f"patrol,time,latitude,longitude\n{walk}",
        walks__seen=f"event,{SEEN}w,tiger,2021-05-03T01:00Z,42.01,131,P1\n",
        cameras__seen="event,species,time,effort_id\nc,tiger,2021-05-03T01:00Z,P1\n",
    )
    records = read_records(paths)
    assert set(records.fixes["patrol"]) == {"patrol P1"}
    assert links(records) == {"w": "patrol P1", "c": "P1"}


GPX = """<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1">{}<trk><name>ACTIVE LOG</name><trkseg>{}</trkseg>
</trk><trk><name>ACTIVE LOG</name><trkseg>{}</trkseg></trk></gpx>"""


def gpx(latitude):
    def fix(day, hour):
        return f'<trkpt lat="{latitude + hour / 100}" lon="131"><time>2021-05-{day:02}T{hour:02}:00:00Z</time></trkpt>'

    found = f'<wpt lat="{latitude}" lon="131"><time>2021-05-01T01:00:00Z</time><type>tiger</type></wpt>'
    return GPX.format(found, *("".join(fix(day, hour) for hour in range(4)) for day in (1, 2)))


def test_tracks_of_two_receivers_with_one_name_are_two_patrols_and_keep_their_finds(tmp_path):
    paths = [tmp_path / "ivanov.gpx", tmp_path / "petrov.gpx"]
    for path, latitude in zip(paths, (43.0, 42.0), strict=True):
        path.write_text(gpx(latitude))
    records = read_records(paths)
    numbered = ["ACTIVE LOG (2) ({})", "ACTIVE LOG ({})"]
    expected = [form.format(name) for form in numbered for name in ("ivanov", "petrov")]
    assert sorted(set(records.fixes["patrol"])) == sorted(expected)
    assert records.observations["effort_id"].tolist() == ["ACTIVE LOG (ivanov)", "ACTIVE LOG (petrov)"]


def test_a_track_copied_to_a_second_file_stays_one(tmp_path):
    for name in ("a.gpx", "b.gpx"):
        (tmp_path / name).write_text(gpx(43.0))
    records = read_records([tmp_path / "a.gpx", tmp_path / "b.gpx"], reading=Reading())
    assert set(records.fixes["patrol"]) == {"ACTIVE LOG", "ACTIVE LOG (2)"}
    assert records.observations["effort_id"].tolist() == ["ACTIVE LOG"]


def test_a_park_that_is_spelt_otherwise_is_offered(write):
    paths = write(
        cameras=f"park,{CAMERAS}Hunchun,CAM01,{MAY},43,131\nWangqing,CAM01,{MAY},42,131\n",
        seen="event,park,species,time,latitude,longitude,effort_id\n"
        "a,Hunchun,tiger,2021-05-03T06:10Z,43,131,CAM01\nb,Wangquing,tiger,2021-05-04T06:10Z,42,131,CAM01\n"
        "c,Tumen,tiger,2021-05-05T06:10Z,42,131,CAM01\n",
    )
    records = read_records(paths)
    unknown = records.findings[records.findings["kind"] == "effort_unknown"].set_index("row")["reason"]
    assert unknown[3].endswith("; its park is 'Wangquing', did you mean 'Wangqing'?")
    assert "did you mean" not in unknown[4]
