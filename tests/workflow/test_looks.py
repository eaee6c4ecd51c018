"""What recipes ask of looks: on a valley of 2.1 km whose relief, shadows and places of scenes are known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from terminal import run

import habitat.workflow.composites
from habitat.errors import ReadError
from habitat.imagery import relief
from habitat.recipe import read_recipe
from habitat.simulate import write_sample
from habitat.store import read_raster, write_raster
from habitat.workflow import run_recipe

SOUTH_EAST, ELEVATION = 150.0, 35.0
"""Where the sun of an October noon stands, about."""


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("valley") / "land"
    write_sample(folder, size_km=2.1, seed=4, years=range(2019, 2021))
    return folder


def composite(valley: Path, name: str, **scenes: Any) -> Path:
    """Run the composites with other settings of [scenes], into a folder of their own."""
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in scenes.items())
    text = (valley / "recipe.toml").read_text(encoding="utf-8").replace("[scenes]\n", "[scenes]\n" + lines)
    recipe = valley / f"{name}.toml"
    recipe.write_text(text.replace('folder = "run"', f'folder = "{name}"'), encoding="utf-8")
    run_recipe(read_recipe(recipe), until="composite", workers=2)
    return valley / name


def picture(run_folder: Path, name: str, band: int) -> np.ndarray:
    values = read_raster(run_folder / "composites" / f"{name}.tif")[0][band].astype(float)
    return np.where(values == -32768, np.nan, values)


def notes(run_folder: Path) -> dict[str, Any]:
    return dict(json.loads((run_folder / "run.json").read_text())["stages"]["composite"]["notes"])


def lit_by_relief(valley: Path, values: np.ndarray) -> float:
    """Correlation of forest's reflectance with how the sun meets the ground."""
    heights, grid = read_raster(valley / "dem.tif")
    cosine = relief.sun_cosine(relief.rises(heights[0], grid.transform.a), (SOUTH_EAST, ELEVATION))
    rim = (cosine.shape[0] - values.shape[0]) // 2
    cosine = cosine[rim : rim + values.shape[0], rim : rim + values.shape[1]]
    forest = read_raster(valley / "truth" / "forest_2020.tif")[0][0] == 1
    seen = forest & np.isfinite(values)
    return float(np.corrcoef(values[seen], cosine[seen])[0, 1])


def test_levelled_slopes_are_as_bright_as_flat_ground(valley: Path) -> None:
    own, level = composite(valley, "own"), composite(valley, "level", relief="level", dem="dem.tif")
    before, after = (lit_by_relief(valley, picture(folder, "2020_autumn", 3)) for folder in (own, level))
    assert before > 0.3
    assert abs(after) < before / 2


def test_blocks_leave_next_to_no_trace_in_levelled_slopes(valley: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks ask for the sun in their own middles: over 2 km that is a fiftieth of a degree."""
    asked = {"relief": "level", "dem": "dem.tif", "margin_m": 0}
    one = composite(valley, "one", **asked)
    monkeypatch.setattr(habitat.workflow.composites, "READ_BLOCK", 40)
    many = composite(valley, "many", **asked)
    for season in ("2020", "2020_autumn"):
        apart = np.abs(picture(one, season, 3) - picture(many, season, 3))
        assert np.nanpercentile(apart, 99) <= 3, "ten-thousandths of reflectance"
        assert np.array_equal(picture(one, season, -1), picture(many, season, -1))


def test_blocks_leave_no_trace_in_looks_of_one_sharpness(valley: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"sharpness": "common", "margin_m": 0}
    one = composite(valley, "sharp_one", **asked)
    monkeypatch.setattr(habitat.workflow.composites, "READ_BLOCK", 40)
    many = composite(valley, "sharp_many", **asked)
    own = composite(valley, "sharp_own", margin_m=0)
    for season in ("2019", "2020_autumn"):
        name = f"composites/{season}.tif"
        assert (one / name).read_bytes() == (many / name).read_bytes()
        assert np.array_equal(picture(one, season, -1), picture(own, season, -1)), "as many looks as before"
        apart = [np.nanstd(np.diff(picture(folder, season, 2), axis=1)) for folder in (own, one)]
        assert apart[1] < 0.8 * apart[0], "less detail"


def test_a_cliff_outside_the_area_throws_its_shadow_into_it(valley: Path) -> None:
    heights, grid = read_raster(valley / "dem.tif")
    heights[:] = 100.0
    heights[0, -2:] = 900.0  # beside the area, in the south
    write_raster(valley / "cliff.tif", heights, grid, ["height_m"], None)
    masked = composite(valley, "cliff", relief="shade", dem="cliff.tif")
    lost = picture(composite(valley, "clear"), "2020_autumn", -1) - picture(masked, "2020_autumn", -1)
    assert (lost >= 0).all()
    assert lost[-20:].mean() > 0.9, "in October it is 900 m long"
    assert lost[:30].sum() == 0


def test_a_scene_beside_its_place_is_moved_back(valley: Path) -> None:
    moved = valley.with_name("moved")
    shutil.copytree(valley, moved)
    scene = max(
        (moved / "scenes").glob("sentinel-2*/S2*"),
        key=lambda folder: -json.loads(next(folder.glob("*.json")).read_text())["properties"]["eo:cloud_cover"],
    )
    for file in scene.glob("*.tif"):
        values, grid = read_raster(file)
        nodata = 0 if values.dtype == np.uint16 else None
        write_raster(
            file,
            values,
            type(grid)(grid.shape, Affine.translation(30, 0) * grid.transform, grid.crs),
            [file.stem],
            nodata,
        )
    for path in scene.glob("*.json"):  # the file is right about its place, and so it may lie
        item = json.loads(path.read_text())
        for asset in item["assets"].values():
            asset.pop("proj:transform", None)
        path.write_text(json.dumps(item))
    found = notes(composite(moved, "aligned", align=True))["shifts_m"]
    east, north = found[scene.name]
    assert east == pytest.approx(30, abs=6)
    assert north == pytest.approx(0, abs=6)


def test_what_spoils_a_look_is_for_the_recipe_to_say(valley: Path) -> None:
    all_bits = picture(composite(valley, "strict"), "2020", -1)
    clouds = picture(composite(valley, "clouds", reject=["cloud", "cirrus"], margin_m=0), "2020", -1)
    water_too = composite(valley, "dry", reject=["cloud", "shadow", "cirrus", "snow", "saturated", "water"])
    dry = picture(water_too, "2020", -1)
    assert (clouds >= all_bits).all()
    assert clouds.sum() > all_bits.sum()
    assert (dry <= all_bits).all()
    assert dry.sum() < all_bits.sum()


def test_spectra_alone_find_clouds_too(valley: Path) -> None:
    """Scenes without a quality band can be used."""
    bare = valley.with_name("bare")
    shutil.copytree(valley, bare)
    for path in (bare / "scenes").glob("*/*/*.json"):
        item = json.loads(path.read_text())
        for name in ("scl", "qa_pixel"):
            item["assets"].pop(name, None)
        path.write_text(json.dumps(item))
    blue = {mask: picture(composite(bare, mask, mask=mask, margin_m=0), "2020", 0) for mask in ("none", "spectral")}
    blue["product"] = picture(composite(valley, "product"), "2020", 0)
    bright = {mask: float(np.nanpercentile(values, 90)) for mask, values in blue.items()}
    assert bright["spectral"] < (bright["none"] + bright["product"]) / 2


def test_relief_without_heights_is_refused(valley: Path) -> None:
    lines = '[scenes]\nrelief = "level"\n'
    recipe = valley / "flat.toml"
    recipe.write_text((valley / "recipe.toml").read_text().replace("[scenes]\n", lines).replace('"run"', '"flat"'))
    said = run("composite", recipe)
    assert said.status == 1
    assert 'give dem = "dem.tif"' in said.err


def test_a_view_from_above_needs_to_know_where_the_sensor_stood(valley: Path) -> None:
    recipe = valley / "above.toml"
    text = (valley / "recipe.toml").read_text().replace("[scenes]\n", '[scenes]\nview = "nadir"\n')
    recipe.write_text(text.replace('folder = "run"', 'folder = "above"'))
    said = run("composite", recipe)
    assert said.status == 1
    assert "does not say where the sensor stood" in said.err


def test_views_are_learnt_from_ground_that_two_orbits_see(valley: Path) -> None:
    """One look of Sentinel-2's over and over, four days apart, from the east and, dimmer in nir08, from the west."""
    land = valley.with_name("orbits")
    shutil.copytree(valley / "scenes", land / "scenes")
    for name in ("recipe.toml", "catalog.json", "area.geojson", "training.gpkg"):
        shutil.copy(valley / name, land / name)
    scenes = sorted((land / "scenes").glob("sentinel-2*/S2*"))
    first = min(
        scenes, key=lambda folder: json.loads(next(folder.glob("*.json")).read_text())["properties"]["eo:cloud_cover"]
    )
    files = {path.name: read_raster(path) for path in first.glob("*.tif")}
    for number, scene in enumerate(scenes):
        path = next(scene.glob("*.json"))
        item = json.loads(path.read_text())
        item["properties"] |= {
            "datetime": f"2020-07-{4 * number + 1:02d}T02:16:00Z",
            "view:sun_elevation": 60.0,
            "view:sun_azimuth": 150.0,
            "view:incidence_angle": 10.0,
            "view:azimuth": (104.0, 284.0)[number % 2],
        }
        path.write_text(json.dumps(item))
        for name, (values, grid) in files.items():
            dimmed = (values * 0.88).astype(values.dtype) if name == "nir08.tif" and number % 2 else values
            write_raster(scene / name, dimmed, grid, [Path(name).stem], 0 if values.dtype == np.uint16 else None)
    found = notes(composite(land, "learned", view="learned", margin_m=0))
    told = found["view_strengths"]
    assert told["sentinel-2"]["nir08"][0] > 1.5  # published weights say 0.93
    assert told["sentinel-2"]["red"][0] < 0.8
    assert told["landsat"]["nir08"] == [1.0, 1.0]
    assert any("landsat saw no ground from two sides" in warning for warning in found["warnings"])


def test_heights_of_elsewhere_are_refused_and_of_a_part_told_of(valley: Path) -> None:
    heights, grid = read_raster(valley / "dem.tif")
    far = type(grid)(grid.shape, Affine.translation(100_000, 0) * grid.transform, grid.crs)
    write_raster(valley / "far.tif", heights, far, ["height_m"], None)
    with pytest.raises(ReadError, match="has no heights in the area"):
        composite(valley, "far", relief="shade", dem="far.tif")
    half = grid[:, : grid.shape.x // 2]
    write_raster(valley / "half.tif", heights[:, :, : grid.shape.x // 2], half, ["height_m"], None)
    (warning,) = notes(composite(valley, "half", relief="shade", dem="half.tif"))["warnings"]
    assert "of the area has no heights" in warning


def test_where_the_sun_stood_is_part_of_what_a_composite_is_made_of(valley: Path) -> None:
    land = valley.with_name("suns")
    shutil.copytree(valley, land, ignore=shutil.ignore_patterns("own", "level", "one", "many", "strict"))
    composite(land, "run", relief="shade", dem="dem.tif")
    before = json.loads((land / "run" / "run.json").read_text())["stages"]["composite"]
    for path in (land / "scenes").glob("*/*/*.json"):
        item = json.loads(path.read_text())
        item["properties"]["view:sun_azimuth"] = (item["properties"]["view:sun_azimuth"] + 90) % 360
        path.write_text(json.dumps(item))
    composite(land, "run", relief="shade", dem="dem.tif")
    after = json.loads((land / "run" / "run.json").read_text())["stages"]["composite"]
    assert before["key"] != after["key"]


def test_samples_lie_in_the_area_however_bent_it_is(valley: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shapely

    from habitat.workflow import looks
    from habitat.workflow.context import Plan

    plan = Plan(read_recipe(valley / "recipe.toml"))
    west, south, east, north = plan.outline.bounds
    rim = shapely.LineString([(west + 60, north), (west + 60, south + 60), (east, south + 60)]).buffer(
        60, cap_style="flat"
    )
    plan.outline = rim
    monkeypatch.setattr(looks, "SAMPLE_SIDE", 16)
    monkeypatch.setattr(looks, "LEAST_SAMPLE_SIDE", 16)
    samples = looks._sample_grids(plan)  # type: ignore[arg-type]
    assert len(samples) == 9
    assert all(sample.extent.geom.intersection(rim).area > 0 for sample in samples)


def test_a_season_without_a_clear_look_is_told_of(valley: Path) -> None:
    """One autumn is all cloud; at Yule nobody looked."""
    land = valley.with_name("overcast")
    shutil.copytree(valley / "scenes", land / "scenes")
    for name in ("recipe.toml", "catalog.json", "area.geojson", "training.gpkg"):
        shutil.copy(valley / name, land / name)
    for path in (land / "scenes").glob("*/*/*.json"):
        day = json.loads(path.read_text())["properties"]["datetime"][:10]
        if "2020-09-16" <= day <= "2020-10-31":
            for file in [*path.parent.glob("scl.tif"), *path.parent.glob("qa_pixel.tif")]:
                values, grid = read_raster(file)
                values[:] = 9 if file.stem == "scl" else 8  # cloud everywhere
                write_raster(file, values, grid, [file.stem], None)
    text = (land / "recipe.toml").read_text()
    (land / "recipe.toml").write_text(text.replace("leaf_off =", 'yule = "12-24/12-26"\nleaf_off ='))
    warnings = notes(composite(land, "cloudy"))["warnings"]
    assert "no clear look of season autumn of 2020: nothing was seen then" in warnings
    assert "no clear look of season yule of 2019, 2020: nothing was seen then" in warnings
    assert not any("mapping season" in warning or "leaf_off" in warning for warning in warnings)
