"""The folder that write_sample writes: whole, the same again, and readable by others."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio

from habitat.errors import RecipeError, StoreError
from habitat.simulate import write_sample
from habitat.store import digest_file, read_raster

YEARS = range(2021, 2023)
SEED = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sample") / "tiles"
    write_sample(target, size_km=0.9, seed=SEED, years=YEARS)
    return target


@pytest.fixture(scope="module")
def items(folder: Path) -> list[pystac.Item]:
    return sorted(pystac.Catalog.from_file(str(folder / "catalog.json")).get_items(recursive=True), key=lambda i: i.id)


def _digests(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): digest_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_seed_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again", size_km=0.9, seed=SEED, years=YEARS)
    assert _digests(tmp_path / "again") == _digests(folder)


def test_nothing_of_a_writer_is_left_behind(folder: Path) -> None:
    assert not list(folder.rglob(".*"))
    assert {p.name for p in folder.iterdir()} == {
        "README.md",
        "area.geojson",
        "catalog.json",
        "dem.tif",
        "effort.csv",
        "patrol_sightings.gpkg",
        "recipe.toml",
        "scenes",
        "sightings.csv",
        "training.gpkg",
        "truth",
    }


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="not empty"):
        write_sample(tmp_path, size_km=0.9)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("wrong", "key"),
    [({"size_km": 0.1}, "size_km"), ({"seed": -1}, "seed"), ({"years": range(2018, 2019)}, "years")],
)
def test_what_cannot_be_simulated_is_refused(tmp_path: Path, wrong: dict[str, object], key: str) -> None:
    with pytest.raises(RecipeError, match=key):
        write_sample(tmp_path / "new", **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_catalogue_reads_as_stac(items: list[pystac.Item]) -> None:
    assert len(items) == 8 * len(YEARS)
    by_collection = {c: [i for i in items if i.collection_id == c] for c in ("sentinel-2-l2a", "landsat-c2-l2")}
    assert [len(v) for v in by_collection.values()] == [4 * len(YEARS)] * 2
    for item in items:
        assert item.get_root() is not None
        assert 20 < item.properties["view:sun_elevation"] < 72
        assert 90 < item.properties["view:sun_azimuth"] < 180, "both satellites pass in the morning"
        assert 0 <= item.properties["eo:cloud_cover"] <= 100
        for asset in item.assets.values():
            assert Path(asset.get_absolute_href() or "").exists()


def test_items_say_what_the_files_are(items: list[pystac.Item]) -> None:
    for home in (Path(item.self_href) for item in items):
        document = json.loads(home.read_text(encoding="utf-8"))
        for asset in document["assets"].values():
            assert asset["href"].startswith("./")
            with rasterio.open(home.parent / asset["href"]) as file:
                assert list(file.shape) == asset["proj:shape"]
                assert list(file.transform[:6]) == asset["proj:transform"]
                assert file.crs.to_epsg() == document["properties"]["proj:epsg"] == 32652
                assert file.nodata == asset["raster:bands"][0]["nodata"]
                assert not (file.read(1) == file.nodata).any(), "a hole in the data"


def test_offsets_of_sentinel2_are_stated_as_earth_search_states_them(items: list[pystac.Item]) -> None:
    for item in (i for i in items if i.collection_id == "sentinel-2-l2a"):
        new = item.properties["datetime"] >= "2022-01-25"
        assert item.properties["earthsearch:boa_offset_applied"] is new
        assert item.assets["red"].extra_fields["raster:bands"][0]["offset"] == (-0.1 if new else 0.0)


def test_landsat_lies_on_its_own_grid_and_covers_the_area(folder: Path, items: list[pystac.Item]) -> None:
    _, truth = read_raster(folder / "truth" / "loss_year.tif")
    for item in (i for i in items if i.collection_id == "landsat-c2-l2"):
        _, grid = read_raster(Path(item.assets["red"].get_absolute_href() or ""))
        assert grid.transform.c % 30 == 15
        assert grid.transform.f % 30 == 15
        assert grid.transform.c <= truth.transform.c
        assert grid.transform.c + 30 * grid.shape.x >= truth.transform.c + 20 * truth.shape.x


def test_area_is_exactly_the_square_of_the_truth(folder: Path) -> None:
    _, truth = read_raster(folder / "truth" / "loss_year.tif")
    square = gpd.read_file(folder / "area.geojson").to_crs("EPSG:32652").total_bounds
    left, top = truth.transform.c, truth.transform.f
    expected = [left, top - 20 * truth.shape.y, left + 20 * truth.shape.x, top]
    assert np.allclose(square, expected, atol=0.01)
    assert not np.any(np.array(expected) % 300)


def test_truth_maps_agree_with_one_another(folder: Path) -> None:
    forest = {year: read_raster(folder / "truth" / f"forest_{year}.tif")[0][0] for year in YEARS}
    loss, _ = read_raster(folder / "truth" / "loss_year.tif")
    lost = (forest[2021] == 1) & (forest[2022] == 0)
    assert np.array_equal(loss[0], np.where(lost, 2022, 0))
    for year in YEARS:
        code, _ = read_raster(folder / "truth" / f"cover_{year}.tif")
        assert np.array_equal((code[0] >= 11) & (code[0] <= 15), forest[year] == 1)


def test_training_is_mostly_right(folder: Path) -> None:
    points = gpd.read_file(folder / "training.gpkg")
    assert 500 <= len(points) <= 700
    assert points["code"].dtype.kind == "i"
    right = []
    for year in YEARS:
        code, grid = read_raster(folder / "truth" / f"cover_{year}.tif")
        here = points[points["date"].str.startswith(str(year))]
        col = ((here.geometry.x - grid.transform.c) // 20).astype(int)
        row = ((grid.transform.f - here.geometry.y) // 20).astype(int)
        right += list(code[0][row, col] == here["code"])
    assert len(right) == len(points)
    assert 0.95 <= np.mean(right) < 1.0


def test_records_join_to_their_effort(folder: Path) -> None:
    effort = pd.read_csv(folder / "effort.csv", parse_dates=["start", "end"])
    seen = pd.read_csv(folder / "sightings.csv", parse_dates=["time"])
    assert effort["effort_id"].is_unique
    assert seen["sighting"].is_unique
    assert (effort["end"] > effort["start"]).all()
    joined = seen.merge(effort, on="effort_id", validate="many_to_one", suffixes=("", "_camera"))
    assert len(joined) == len(seen)
    assert ((joined["time"] >= joined["start"]) & (joined["time"] <= joined["end"])).all()
    assert (joined["latitude"] == joined["latitude_camera"]).all()
    signs = gpd.read_file(folder / "patrol_sightings.gpkg")
    assert "effort_id" not in signs
    assert len(signs) > 0


def test_the_hidden_animal_is_seen_only_where_it_lives(folder: Path) -> None:
    occupancy = pd.read_csv(folder / "truth" / "occupancy.csv")
    planted = json.loads((folder / "truth" / "parameters.json").read_text())["occupancy"]
    logit = (
        planted["psi_intercept"]
        + planted["psi_forest_share"] * occupancy["forest_share"]
        + planted["psi_recent_loss"] * occupancy["recent_loss"]
    )
    assert np.allclose(occupancy["psi"], 1 / (1 + np.exp(-logit)), atol=1e-5)
    seen = pd.read_csv(folder / "sightings.csv")
    seen = seen[seen["species"] == "teaching marten"]
    lived_in = occupancy[occupancy["occupied"] == 1]
    home = set(lived_in["season"].astype(str) + "-" + lived_in["cell"])
    assert {name.rsplit("-", 1)[0] for name in seen["effort_id"]} <= home
