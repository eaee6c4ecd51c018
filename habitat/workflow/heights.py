"""Which heights a run knows: for the light on slopes, and for the classifier."""

from __future__ import annotations

from pathlib import Path

from habitat.errors import RecipeError
from habitat.tiles import height_files
from habitat.workflow.context import Plan


def known_heights(plan: Plan) -> tuple[Path, ...]:
    """Return the files of heights that are used, for relief or for the classifier; none if none are here.

    Raises
    ------
    RecipeError, ReadError
        As of :func:`heights_of`.
    """
    settings, forest = plan.recipe.scenes, plan.recipe.forest
    if settings.relief != "own":
        return heights_of(plan)
    if forest is None or "terrain" not in forest.features:
        return ()
    fetched = plan.downloads_folder / "layers" / "dem"
    if settings.dem is not None:
        return height_files(plan.recipe.path(settings.dem))
    return height_files(fetched) if "dem" in settings.layers and fetched.is_dir() else ()


def ground_heights(plan: Plan) -> tuple[Path, ...]:
    """Return the files of heights that there are for the terrain of cells, whatever else they are used for."""
    settings, fetched = plan.recipe.scenes, plan.downloads_folder / "layers" / "dem"
    if settings.dem is not None:
        return height_files(plan.recipe.path(settings.dem))
    return height_files(fetched) if "dem" in settings.layers and fetched.is_dir() else ()


def heights_of(plan: Plan) -> tuple[Path, ...]:
    """Return the files of heights that the recipe names, or of the layer that is fetched for it.

    Raises
    ------
    RecipeError
        If relief counts, and it names neither.
    ReadError
        If what it names is no GeoTIFF and no folder of them.
    """
    settings, fetched = plan.recipe.scenes, plan.downloads_folder / "layers" / "dem"
    if settings.relief == "own":
        return ()
    if settings.dem is not None:
        return height_files(plan.recipe.path(settings.dem))
    if "dem" in settings.layers:
        return height_files(fetched) if fetched.is_dir() else ()
    raise RecipeError(
        f"relief = {settings.relief!r} needs heights",
        where="[scenes]",
        mend='give dem = "dem.tif", or layers = ["dem"] where the source has them',
    )
