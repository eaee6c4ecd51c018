"""The table of stages, and the loop that does only what is out of date."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import habitat
from habitat.errors import RecipeError
from habitat.recipe import Recipe
from habitat.store import Run, digest, digest_input, write_run_catalogue, write_text
from habitat.workflow.answers import answers_digest
from habitat.workflow.context import Context, Outputs, Progress, no_progress
from habitat.workflow.downloads import FETCH_WORKERS, fetch_scenes_of


@dataclass(frozen=True)
class Stage:
    """One step of the way."""

    name: str
    """Also the command that runs it."""
    function: str
    """`module:function` in this package, imported when the stage runs; takes a Context and a work folder."""
    after: tuple[str, ...]
    """Stages whose files it reads."""
    sections: tuple[str, ...]
    """Sections of the recipe that can change its result, beside the area and the period, which change every
    result; the last one must be there for it to run."""
    version: int = 1
    """Raised when the method changes, so that old results are made again."""


STAGES = (
    Stage("composite", "composites:make_composites", (), ("scenes",), version=5),
    Stage("train", "training:train", ("composite",), ("forest",), version=4),
    Stage("map", "maps:map_forest", ("composite", "train"), ("forest",), version=4),
    Stage("change", "changes:find_change", ("composite", "train", "map"), ("change",), version=7),
    Stage("assess", "assessing:assess", ("composite", "map", "change"), ("forest", "assess")),
    Stage("cells", "cells:make_cells", ("map", "change"), ("cells",), version=2),
    Stage("join", "joining:join_sightings", ("map", "change", "cells"), ("sightings",), version=5),
    Stage("occupancy", "occupying:model_occupancy", ("cells", "join"), ("sightings", "occupancy"), version=4),
    Stage(
        "report",
        "reporting:make_report",
        ("composite", "train", "map", "change", "assess", "cells", "join", "occupancy"),
        ("area",),
    ),
)
"""In the order of the work."""


_NO_PIXEL = ("folder", "on_missing", "layers", "dem")
"""Keys of [scenes] that say how files come and where they are kept; what came is an input of its own."""


@dataclass(frozen=True)
class StageResult:
    """What became of a stage."""

    name: str
    done: bool
    """False: it was up to date."""
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


def run_recipe(
    recipe: Recipe,
    *,
    until: str = "report",
    executor: Executor | None = None,
    workers: int = 2,
    progress: Progress = no_progress,
) -> list[StageResult]:
    """Run a recipe's stages up to `until`, doing only what is out of date.

    Parameters
    ----------
    recipe : Recipe
        From :func:`habitat.read_recipe`.
    until : str
        Name of the last stage; those it does not need are left out.
    executor : concurrent.futures.Executor, optional
        Where blocks are computed; default: `workers` threads.
    progress : callable (stage, done, total)

    Returns
    -------
    list of StageResult
        One a stage that the recipe asks for, in order.

    Raises
    ------
    HabitatError
        If the input is wrong; what had been finished stays, and the next run goes on from there.
    """
    asked = stages_of(recipe, until)
    run = open_run(recipe)
    own = nullcontext(executor) if executor is not None else ThreadPoolExecutor(workers)
    with run.locked(), own as pool:
        assert pool is not None
        context = Context(recipe=recipe, run=run, executor=pool, progress=progress)
        if not all(scene.is_here for scene in context.scenes):
            fetch_scenes_of(context, workers=FETCH_WORKERS)
            context = Context(recipe=recipe, run=run, executor=pool, progress=progress)
        for stage in STAGES:
            if getattr(recipe, stage.sections[-1]) is None:
                run.forget(stage.name)
        results = [_run_stage(stage, context) for stage in asked]
        _describe_run(context)
    return results


def open_run(recipe: Recipe) -> Run:
    """The recipe's folder, refused if it holds something else; what tells recipes apart is their area and grid."""
    return Run(recipe.folder, recipe.area.model_dump(mode="json", exclude_none=True, exclude={"name"}), recipe.file)


def stages_of(recipe: Recipe, until: str = "report") -> list[Stage]:
    """The stages that `until` needs and the recipe has sections for."""
    known = {stage.name: stage for stage in STAGES}
    if until not in known:
        raise RecipeError(f"no stage is called {until!r}", where="until", mend=f"name one of {', '.join(known)}")
    if getattr(recipe, known[until].sections[-1]) is None:
        raise RecipeError(
            f"has no section [{known[until].sections[-1]}], so there is nothing to {until}",
            where=recipe.file,
            mend="add the section; `habitat init` writes one",
        )
    needed, todo = {until}, [until]
    while todo:
        for name in known[todo.pop()].after:
            if name not in needed:
                needed.add(name)
                todo.append(name)
    return [s for s in STAGES if s.name in needed and getattr(recipe, s.sections[-1]) is not None]


def _run_stage(stage: Stage, context: Context) -> StageResult:
    run = context.run
    inputs = _inputs(stage, context)
    key = digest(inputs)
    if run.is_current(stage.name, key):
        return StageResult(stage.name, False)
    started = time.perf_counter()
    run.state["versions"] = {"habitat": habitat.__version__, "python": platform.python_version()} | _versions()
    run.state["legend"] = [vars(cover) for cover in context.legend]
    work = run.begin(stage.name, key)
    _write_recipe(context)
    module, function = stage.function.split(":")
    work_of: Callable[[Context, Path], Outputs] = getattr(import_module(f"habitat.workflow.{module}"), function)
    outputs, notes = work_of(context, work)
    seconds = time.perf_counter() - started
    warnings, context.warnings = context.warnings, []
    run.finish(stage.name, outputs, seconds, notes | {"warnings": warnings}, inputs["files"])
    return StageResult(stage.name, True, seconds, tuple(warnings))


def _inputs(stage: Stage, context: Context) -> dict[str, Any]:
    """Everything that can change the stage's result; its digest is the stage's key."""
    recipe, run = context.recipe, context.run
    read = {name: run.outputs(name) for name in stage.after}
    files: dict[str, str | None] = {name: found for outputs in read.values() for name, found in outputs.items()}
    reads_looks = stage.name == "composite" or (stage.name == "change" and recipe.change_reads_looks)
    if reads_looks:
        files |= context.scene_digests()
        files["heights"] = digest([context.run.digests.digest_of(file) for file in _heights_of(context)])
    if stage.name == "cells":
        files["heights"] = digest([run.digests.digest_of(file) for file in _ground_of(context)])
    for section in stage.sections:
        if section == "scenes":  # its heights are told above, if they count
            continue
        files |= {file: digest_input(recipe.path(file)) for file in recipe.files().get(section, ())}
    if stage.name == "assess":
        files |= answers_digest(context)
    settings = recipe.resolved()
    if stage.name != "report":
        settings = {name: settings.get(name) for name in ("area", "period", *stage.sections)}
        settings["area"] = {key: value for key, value in settings["area"].items() if key != "name"}
        if stage.name == "composite":
            shown = [] if recipe.forest is None else recipe.forest.features
            settings["shown"] = sorted({"harmonics", "terrain"}.intersection(shown))
        if reads_looks:
            scenes = recipe.resolved()["scenes"]
            settings["scenes"] = {key: value for key, value in scenes.items() if key not in _NO_PIXEL}
    return {
        "stage": stage.name,
        "version": stage.version,
        "settings": settings,
        "outline": context.area.wkb_hex,
        "notes": {name: run.notes(name) for name in stage.after} if stage.name == "report" else None,
        "files": files,
        "holes": [context.missing, context.selection.left_out] if reads_looks else None,
    }


def _heights_of(context: Context) -> tuple[Path, ...]:
    from habitat.workflow.heights import known_heights  # loads all of tiles

    return known_heights(context)


def _ground_of(context: Context) -> tuple[Path, ...]:
    from habitat.workflow.heights import ground_heights

    return ground_heights(context)


def _versions() -> dict[str, str]:
    """Versions of the libraries whose numbers the results rest on."""
    return {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "rasterio", "odc-geo", "geopandas")}


def _write_recipe(context: Context) -> None:
    import tomli_w

    head = "# The resolved recipe of this run: every setting, defaults included. Paths are from the recipe's folder.\n"
    write_text(context.run.path("recipe.toml"), head + tomli_w.dumps(context.recipe.resolved()))


def _describe_run(context: Context) -> None:
    """Write the catalogue of the run's rasters, unless it is there."""
    run = context.run
    rasters = {
        name: found for stage in STAGES for name, found in run.outputs(stage.name).items() if name.endswith(".tif")
    }
    key = digest([context.recipe.area.name, rasters])
    if run.is_current("catalogue", key):
        return
    run.begin("catalogue", key)
    written = write_run_catalogue(
        run.folder,
        map(run.path, rasters),
        title=context.recipe.area.name,
        seasons=context.seasons,
        years=context.years,
    )
    run.finish("catalogue", written, 0.0, {})
