"""Write a whole sample: landscape, scenes, training, cameras, and the answers to all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from habitat.errors import StoreError
from habitat.simulate.animals import Parameters, find_signs, planted, run_cameras, true_occupancy
from habitat.simulate.area import Area
from habitat.simulate.catalogue import write_catalogue, write_scene
from habitat.simulate.presets import STANDARD, Preset
from habitat.simulate.products import PACKINGS, write_product
from habitat.simulate.scenes import Overpass, take_scenes
from habitat.simulate.streams import Streams
from habitat.simulate.studies import make_study
from habitat.simulate.terrain import write_heights
from habitat.simulate.texts import readme_text, recipe_text
from habitat.simulate.truth import write_stand_age, write_truth
from habitat.store import write_json, write_table, write_text

VERSION = 1
"""Of the simulator: if a seed gives something else, this grows, and all that was scored on it is scored again."""


def write_sample(
    folder: Path,
    *,
    size_km: float = 3.0,
    seed: int = 7000,
    years: range = range(2016, 2026),
    layout: Literal["catalogue", "products"] = "catalogue",
    preset: str | Preset = STANDARD,
) -> None:
    """Write a simulated landscape with its scenes, records and known truth into `folder`.

    Parameters
    ----------
    folder : Path
        Empty, or not there yet.
    size_km : float
        Side of the square, rounded up to whole survey cells of 0.3 km.
    seed : int
        0 or more; the same seed writes the same bytes.
    years : range
        At least two consecutive years; cameras stand in the last five of them.
    layout : {"catalogue", "products"}
        Scenes as a STAC catalogue serves them, or as products are downloaded, in every packing there is: the same
        pixels either way. Products have no catalogue until `habitat index` writes one.
    preset : str or Preset
        What kind of landscape: a name in :data:`habitat.simulate.presets.PRESETS`, or settings of one's own.

    Raises
    ------
    StoreError
        If `folder` is not empty or cannot be written.
    RecipeError
        If size, seed or years cannot be, or there is no such preset.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError("is not empty", where=folder, mend="choose an empty folder for the sample")
    study = make_study(preset=preset, seed=seed, size_km=size_km, years=years)
    area, truth, streams = study.area, study.truth, study.streams

    write_text(folder / "README.md", readme_text(area, seed, years, study.preset))
    write_json(folder / "area.geojson", _feature(area))
    write_heights(folder / "dem.tif", study.landscape.terrain, area)
    _write_points(folder / "training.gpkg", study.draw_training())
    write_truth(folder / "truth", truth, area)
    if study.landscape.stand_age is not None:
        write_stand_age(folder / "truth", study.landscape.stand_age, area)
    if study.losses is not None:
        write_table(folder / "truth" / "damage.csv", study.losses.table)
    occupancy = _write_records(folder, area, truth, streams)
    made_by = {"simulator_version": VERSION, "seed": seed, "size_km": area.size_m / 1000, "occupancy": occupancy}
    if study.preset != STANDARD:  # whose file says what it always said
        made_by["preset"] = study.preset.settings
    write_json(folder / "truth" / "parameters.json", made_by)
    overpasses: list[Overpass] = []
    for scene in take_scenes(area, study.history, study.ground, study.plan(), streams):
        if layout == "products":
            taken = sum(overpass.sensor == scene.overpass.sensor for overpass in overpasses)
            packing, placed = PACKINGS[scene.overpass.sensor][taken % len(PACKINGS[scene.overpass.sensor])]
            write_product(folder / "products", scene, area, packing=packing, placed=placed)
        else:
            write_scene(folder, scene, area)
        overpasses.append(scene.overpass)
    if layout == "catalogue":
        write_catalogue(folder, overpasses, area)
    write_text(folder / "recipe.toml", recipe_text(years))  # last: a folder with a recipe is whole


def _feature(area: Area) -> dict[str, Any]:
    feature = {"type": "Feature", "properties": {"name": "simulated square"}, "geometry": area.polygon()}
    return {"type": "FeatureCollection", "features": [feature]}


def _write_records(folder: Path, area: Area, truth: Any, streams: Streams) -> dict[str, Any]:
    """Write what cameras and patrols saw, and the hidden occupancy behind it; return what was planted."""
    parameters = Parameters()
    occupancy = true_occupancy(area, truth, streams, parameters)
    effort, sightings = run_cameras(occupancy, streams, parameters)
    write_table(folder / "effort.csv", effort)
    write_table(folder / "sightings.csv", sightings)
    _write_points(folder / "patrol_sightings.gpkg", find_signs(occupancy, streams))
    write_table(folder / "truth" / "occupancy.csv", occupancy)
    return planted(parameters)


def _write_points(path: Path, table: Any) -> None:
    """Write a GeoPackage that holds no time of writing, so that equal tables give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _fixed_clock():
        table.to_file(path, driver="GPKG", layer=path.stem, engine="pyogrio")


@contextmanager
def _fixed_clock() -> Iterator[None]:
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2026-01-01T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
