"""The same animals written in each of the field's formats give the same events, habitat and detections."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from terminal import run

from habitat.recipe import read_recipe
from habitat.workflow import run_recipe

KEYS = ["species", "time", "cell", "habitat_season", "code", "records"]


def records(land: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The simulator's pictures and deployments."""
    return pd.read_csv(land / "sightings.csv", dtype=str), pd.read_csv(land / "effort.csv", dtype=str)


def use(land: Path, text: str) -> None:
    """Put another [sightings] section into the recipe."""
    path = land / "recipe.toml"
    head, _, tail = path.read_text(encoding="utf-8").partition("[sightings]")
    path.write_text(f"{head}[sightings]\n{text}\n\n[occupancy]{tail.partition('[occupancy]')[2]}", encoding="utf-8")


def events(land: Path) -> pd.DataFrame:
    run_recipe(read_recipe(land / "recipe.toml"), until="join")
    table = gpd.read_parquet(land / "run" / "sightings.parquet")
    return pd.DataFrame(table[KEYS]).sort_values(["time", "cell", "species"]).reset_index(drop=True)


def camtrap_dp(land: Path) -> str:
    pictures, deployments = records(land)
    folder = land / "package"
    folder.mkdir()
    resources = [{"name": name, "path": f"{name}.csv"} for name in ("deployments", "media", "observations")]
    described = {"profile": "camtrap-dp 1.0.2", "created": "2023-02-06T11:23:03Z", "resources": resources}
    (folder / "datapackage.json").write_text(json.dumps(described))
    deployments.rename(
        columns={"effort_id": "deploymentID", "start": "deploymentStart", "end": "deploymentEnd"}
    ).assign(locationID="here").to_csv(folder / "deployments.csv", index=False)
    observed = pd.DataFrame(
        {
            "observationID": pictures["sighting"],
            "deploymentID": pictures["effort_id"],
            "eventStart": pd.to_datetime(pictures["time"], utc=True).dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "observationLevel": "media",
            "observationType": "animal",
            "scientificName": pictures["species"],
            "individualID": pictures["individual"],
            "count": pictures["count"],
            "classificationMethod": "human",
        }
    )
    people = observed.head(3).assign(
        observationID=["h1", "h2", "h3"], observationType="human", scientificName="Homo sapiens"
    )
    pd.concat([observed, people]).to_csv(folder / "observations.csv", index=False)
    return 'files = "package"'


def zipped_camtrap_dp(land: Path) -> str:
    camtrap_dp(land)
    with zipfile.ZipFile(land / "package.zip", "w") as archive:
        for file in sorted((land / "package").iterdir()):
            archive.write(file, f"export/{file.name}")
    return 'files = "package.zip"'


def camtrapr(land: Path) -> str:
    pictures, deployments = records(land)
    local = pd.to_datetime(pictures["time"].str[:19])
    pd.DataFrame(
        {
            "Station": pictures["effort_id"],
            "Species": pictures["species"],
            "Individual": pictures["individual"],
            "DateTimeOriginal": local.dt.strftime("%Y-%m-%d %H:%M:%S"),
            "Date": local.dt.strftime("%Y-%m-%d"),
            "Time": local.dt.strftime("%H:%M:%S"),
        }
    ).to_csv(land / "recordTable.csv", index=False)
    points = gpd.GeoSeries(
        gpd.points_from_xy(deployments["longitude"].astype(float), deployments["latitude"].astype(float)), crs=4326
    ).to_crs(32652)
    pd.DataFrame(
        {
            "Station": deployments["effort_id"],
            "utm_y": points.y.round(2),
            "utm_x": points.x.round(2),
            "Setup_date": pd.to_datetime(deployments["start"].str[:10]).dt.strftime("%d/%m/%Y"),
            "Retrieval_date": pd.to_datetime(deployments["end"].str[:10]).dt.strftime("%d/%m/%Y"),
            "Problem1_from": "",
            "Problem1_to": "",
        }
    ).to_csv(land / "camtraps.csv", index=False)
    return 'files = "recordTable.csv"\neffort = "camtraps.csv"\ntimezone = "Etc/GMT-10"\ncrs = "EPSG:32652"'


def walks(land: Path) -> pd.DataFrame:
    """Records with `patrol`: one for each burst at a place, as if a team had stood there."""
    pictures, _ = records(land)
    pictures["when"] = pd.to_datetime(pictures["time"], utc=True)
    pictures = pictures.sort_values(["effort_id", "when"], kind="stable")
    new = (pictures["when"].diff() > pd.Timedelta(minutes=40)) | (
        pictures["effort_id"] != pictures["effort_id"].shift()
    )
    return pictures.assign(patrol="P" + new.cumsum().astype(str))


def fixes(walk: pd.DataFrame) -> pd.DataFrame:
    """A minute before, at, and after each burst's records, on the spot and a metre from it."""
    x, y = walk["longitude"].astype(float).to_numpy(), walk["latitude"].astype(float).to_numpy()
    times = [
        walk["when"].iloc[0] - pd.Timedelta(minutes=1),
        *walk["when"],
        walk["when"].iloc[-1] + pd.Timedelta(minutes=1),
    ]
    points = [(x[0] + 1e-6, y[0]), *zip(x, y, strict=True), (x[-1], y[-1] + 1e-6)]
    return pd.DataFrame({"time": times, "x": [p[0] for p in points], "y": [p[1] for p in points]})


def gpx(land: Path) -> str:
    walked = walks(land)
    parts = ['<?xml version="1.0"?><gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">']
    for row in walked.itertuples():
        parts.append(
            f'<wpt lat="{row.latitude}" lon="{row.longitude}"><time>{row.when:%Y-%m-%dT%H:%M:%SZ}</time>'
            f"<name>{row.Index}</name><type>{escape(row.species)}</type></wpt>"
        )
    for patrol, walk in walked.groupby("patrol", sort=False):
        points = "".join(
            f'<trkpt lat="{f.y:.7f}" lon="{f.x:.7f}"><time>{f.time:%Y-%m-%dT%H:%M:%SZ}</time></trkpt>'
            for f in fixes(walk).itertuples()
        )
        parts.append(f"<trk><name>{patrol}</name><trkseg>{points}</trkseg></trk>")
    (land / "patrols.gpx").write_text("".join(parts) + "</gpx>")
    return 'files = "patrols.gpx"'


def smart(land: Path) -> str:
    """Waypoints and tracks as SMART exports shapefiles: ten letters a name, day and hour apart."""
    walked = walks(land)
    local = walked["when"] + pd.Timedelta(hours=10)
    gpd.GeoDataFrame(
        {
            "Patrol_ID": walked["patrol"],
            "Station": "Ranger station 1",
            "Waypoint_D": local.dt.strftime("%d.%m.%Y"),
            "Waypoint_T": local.dt.strftime("%H:%M:%S"),
            "Observatio": "Animal",
            "Species": walked["species"],
        },
        geometry=gpd.points_from_xy(walked["longitude"].astype(float), walked["latitude"].astype(float)),
        crs=4326,
    ).to_file(land / "waypoints.shp")
    rows = []
    for patrol, walk in walked.groupby("patrol", sort=False):
        track = fixes(walk)
        epochs = track["time"].astype("int64") / (1e6 if track["time"].dt.unit == "ns" else 1e3)
        rows.append((patrol, shapely.LineString(np.column_stack([track["x"], track["y"], epochs]))))
    names, lines = zip(*rows, strict=True)
    tracks = gpd.GeoDataFrame({"Patrol_ID": names, "Patrol_Typ": "GROUND"}, geometry=list(lines), crs=4326)
    tracks.to_file(land / "tracks.shp")
    with zipfile.ZipFile(land / "tracks.zip", "w") as archive:
        for file in sorted(land.glob("tracks.*")):
            if file.suffix != ".zip":
                archive.write(file, file.name)
    return 'files = ["waypoints.shp", "tracks.zip"]\ntimezone = "Etc/GMT-10"'


@pytest.mark.parametrize("write", [camtrap_dp, zipped_camtrap_dp, camtrapr, gpx, smart])
def test_a_round_trip_through_a_format_gives_the_same_events(land: Path, write: Callable[[Path], str]) -> None:
    unnamed = write in (gpx, smart)
    if unnamed:  # hand-held receivers know no individuals
        table, _ = records(land)
        table.assign(individual="").to_csv(land / "sightings.csv", index=False)
    use(land, 'files = "sightings.csv"\neffort = "effort.csv"')
    expected = events(land)
    assert len(expected) > 20
    use(land, write(land))
    got = events(land)
    pd.testing.assert_frame_equal(got, expected)
    said = run("check", land / "recipe.toml")
    name = "camtrap_dp" if "camtrap_dp" in write.__name__ else write.__name__
    assert f": {name} observations, {len(records(land)[0]) + 3 * (name == 'camtrap_dp')} records" in said.out
    if write is camtrap_dp:
        table = (land / "package" / "observations.csv").read_text().splitlines(keepends=True)
        (land / "package" / "observations.csv").write_text("".join(table[:-4] + table[-3:]))
        done = [r.name for r in run_recipe(read_recipe(land / "recipe.toml"), until="join") if r.done]
        assert done == ["join"], "a table of the package changed"
    quarantine = pd.read_parquet(land / "run" / "quarantine.parquet")
    assert list(quarantine["kind"]) == (["person"] * 3 if name == "camtrap_dp" else [])


def test_every_event_of_a_patrol_is_a_detection_in_the_cell_it_passed(land: Path) -> None:
    use(land, gpx(land))
    said = run("run", land / "recipe.toml")
    assert said.status == 0, said.err
    effort = gpd.read_parquet(land / "run" / "effort.parquet")
    found = gpd.read_parquet(land / "run" / "sightings.parquet")
    assert set(effort["method"]) == {"patrol"}
    at = effort.set_index("effort_id").loc[found["effort_id"]]
    assert (at["cell"].to_numpy() == found["cell"].to_numpy()).all()
    assert (
        (found["time"].to_numpy() >= at["start"].to_numpy()) & (found["time"].to_numpy() <= at["end"].to_numpy())
    ).all()
    page = (land / "run" / "report.html").read_text(encoding="utf-8")
    assert f"{effort['deployment'].nunique():,} patrols" in page
    assert "camera-days" not in page
    shifts = pd.read_parquet(land / "run" / "shifts.parquet")
    assert len(shifts) == effort["deployment"].nunique()
    assert not shifts["meets_standard"].any(), "a few metres are no patrol"


def test_a_run_says_that_no_record_is_of_its_years_and_why_records_are_no_detections(land: Path) -> None:
    table = pd.read_csv(land / "sightings.csv")
    table["time"] = [f"{int(time[:4]) - 12}{time[4:]}" for time in table["time"]]
    table.to_csv(land / "sightings.csv", index=False)
    use(land, 'files = ["sightings.csv"]\neffort = "effort.csv"')
    said = run("join", land / "recipe.toml")
    assert said.status == 0
    told = " ".join((said.out + said.err).split())
    assert f"none of {len(table):,} records lies in the area and the years of the recipe" in told
    assert f"{len(table)} records are used though something is odd" in told


def test_occupancy_without_any_effort_is_refused(land: Path) -> None:
    use(land, 'files = ["sightings.csv", "patrol_sightings.gpkg"]')
    said = run("check", land / "recipe.toml")
    assert said.status == 1
    assert "hold no effort, and [occupancy] needs it" in " ".join(said.err.split())


def test_deployments_among_the_files_need_not_be_named_as_effort(land: Path) -> None:
    expected = events(land)
    use(land, 'files = ["sightings.csv", "patrol_sightings.gpkg", "effort.csv"]\nspecies = ["teaching marten"]')
    pd.testing.assert_frame_equal(events(land), expected)
    said = run("check", land / "recipe.toml")
    assert "effort.csv: table deployments" in said.out
    assert "of other species" in said.out


def test_a_format_that_is_named_must_be_that_of_the_file(land: Path) -> None:
    for name, wanted in (
        ("smart", "is no table of smart"),
        ("camtrap_dp", "holds no datapackage.json"),
        ("gpx", "is not a GPX"),
    ):
        use(land, f'files = "sightings.csv"\neffort = "effort.csv"\nformat = "{name}"')
        said = run("check", land / "recipe.toml")
        assert said.status == 1
        assert wanted in " ".join(said.err.split())
