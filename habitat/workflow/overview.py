"""What a recipe means, said before anything is run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from habitat.errors import ReadError, RecipeError
from habitat.recipe import Recipe
from habitat.workflow.context import Plan, Progress, no_progress
from habitat.workflow.outdated import outdated_words
from habitat.workflow.stages import open_run, stages_of

if TYPE_CHECKING:
    from habitat.tiles import Scene


def describe(recipe: Recipe, *, progress: Progress = no_progress) -> dict[str, Any]:
    """Say what a recipe means without running it: its grid, scenes and size, and what is missing.

    Returns
    -------
    dict
        Plain values, in the order in which a person asks for them.
    """
    from habitat.tiles import needed_quality
    from habitat.workflow.heights import heights_of
    from habitat.workflow.looks import refuse_unlit

    plan = Plan(recipe, progress=progress)
    grid = plan.grid
    _refuse_missing_files(plan)
    heights_of(plan)
    refuse_unlit(plan)
    if recipe.scenes.mask in ("product", "history"):
        for scene in plan.scenes:
            needed_quality(scene)
    counts, read, doubts = _counts(plan)
    open_run(recipe)
    return {
        "area": recipe.area.name,
        "area_km2": round(float(plan.outline.area) / 1e6, 2),
        "grid": f"{grid.shape.y} x {grid.shape.x} pixels of {grid.transform.a:g} m in {grid.crs}",
        "years": recipe.period.years,
        "seasons": {season.name: str(season) for season in plan.seasons},
        "bands": list(plan.bands),
        "looks": _looks(recipe),
        "change": _change(plan),
        "source": _source(plan),
        "scenes": dict(Counter(scene.sensor.name for scene in plan.scenes)),
        "used": [_line(scene) for scene in plan.settled.scenes],
        "left_out": dict(plan.selection.left_out) | dict(plan.settled.refused),
        "reasons": plan.selection.reasons,
        "rules": list(plan.selection.rules),
        "warnings": [*_warnings(plan), *doubts, *([old] if (old := outdated_words(recipe)) else [])],
        "uncovered_share": round(plan.uncovered_share, 4),
        "classes": len(plan.legend.codes),
        "counts": counts,
        "records": read,
        "observations": grid.shape.y * grid.shape.x * len(plan.bands) * len(plan.scenes),
        "stages": [stage.name for stage in stages_of(recipe)],
        "output": str(recipe.folder),
        "years_without_scenes": list(plan.years_unseen),
    }


def _looks(recipe: Recipe) -> str:
    """What becomes of each look before it gets into a composite."""
    settings = recipe.scenes
    done = [f"mask {settings.mask}" + ("" if settings.mask == "none" else f" and {settings.margin_m:g} m around")]
    done += ["to one sensor's bands"] if settings.bands == "common" else []
    done += {"own": [], "nadir": ["seen from straight above"], "learned": ["seen from straight above as learnt here"]}[
        settings.view
    ]
    done += {"own": [], "shade": ["without hills' shadows"], "level": ["slopes levelled"]}[settings.relief]
    done += ["aligned"] if settings.align else []
    done += ["as sharp as the coarsest"] if settings.sharpness == "common" else []
    return ", ".join([*done, settings.composite])


def _change(plan: Plan) -> str:
    """What loss is told from, and what is read for it; nothing where change is not asked for."""
    from habitat.workflow.evidence import refuse_missing_bands
    from habitat.workflow.ground import refuse_missing_char

    section, ways = plan.recipe.change, plan.recipe.loss_ways
    if section is None:
        return "not asked for"
    refuse_missing_bands(plan.bands, ways)
    said = f"{', '.join(ways)}; patches of {section.min_patch_ha:g} ha and more"
    if "breaks" in ways:
        said += f"; all {len(plan.scenes)} scenes of the years are read once more for breaks"
        said += "" if "swir22" in plan.bands else "; swir16 stands in for swir22: fewer are found"
    said += "; looks around each patch are read for its kind" if section.kinds else ""
    if section.burns:
        refuse_missing_char(plan.bands)
        said += f"; all {len(plan.scenes)} scenes of the years are read for burnt ground"
    return said


def _source(plan: Plan) -> str:
    """Where scenes come from, and what must be known before they are asked for."""
    if plan.provider is None:
        place = str(plan.source)
    else:
        named = plan.provider.name != plan.provider.address
        place = f"{plan.provider.name}, {plan.provider.address}" if named else plan.provider.address
        place += f" ({plan.provider.note})" if plan.provider.note else ""
    if not all(scene.is_here for scene in plan.scenes):
        return f"{place}; not fetched yet: `habitat fetch` brings {len(plan.scenes)} scenes to {plan.downloads_folder}"
    if plan.provider is None and plan.selection is plan.offered:
        return place
    return f"{place}; fetched into {plan.downloads_folder}"


def _line(scene: Scene) -> str:
    cloud = "" if scene.cloud_percent is None else f", {scene.cloud_percent:.0f}% cloud"
    return f"{scene.day} {scene.id} ({scene.sensor.name}{cloud})"


def _warnings(plan: Plan) -> list[str]:
    """What a user should know before running: files that are not what their items say, offsets, who pays."""
    from habitat.tiles import grid_disagreements
    from habitat.workflow.ground import burn_doubts

    found = [] if plan.index is None else list(plan.index.notes)
    found += burn_doubts(plan) if plan.recipe.change is not None and plan.recipe.change.burns else []
    change = plan.recipe.change
    if change is not None and change.min_patch_ha > (area_ha := plan.outline.area / 1e4):
        found.append(
            f"min_patch_ha = {change.min_patch_ha:g} is more than the area of {area_ha:,.0f} ha: no loss is told"
        )
    if plan.uncovered_share > 0.01:
        found.append(f"{plan.uncovered_share:.0%} of the area lies outside all scenes")
    found += [f"item {name}: {words}" for name, words in grid_disagreements(plan.scenes).items()]
    found += [f"{name}: {f.evidence}" for name, f in plan.settled.findings.items() if f.corrected]
    found += [f"{name} is not used: {words}" for name, words in plan.settled.refused.items()]
    paid = {s.collection for s in plan.scenes if plan.provider and s.collection in plan.provider.requester_pays}
    found += [f"{name}: whoever downloads it pays the transfer (requester pays)" for name in sorted(map(str, paid))]
    return found


def _refuse_missing_files(plan: Plan) -> None:
    """Raise for the first file that the recipe or its scenes name and that is not there."""
    for section, files in plan.recipe.files().items():
        for file in files:
            if not plan.recipe.path(file).exists():
                raise RecipeError("there is no such file", where=plan.recipe.path(file), mend=f"check [{section}]")
    for scene in plan.scenes:
        for asset in scene.assets.values():
            if asset.is_here and not Path(asset.href).exists():
                raise ReadError(
                    f"item {scene.id} names a file that is not there",
                    where=asset.href,
                    mend="put it back, fetch it again, or take the item out of the catalogue",
                )


def _counts(plan: Plan) -> tuple[dict[str, int], dict[str, dict[str, Any]], list[str]]:
    """Read what the recipe names beside its scenes, count it, and say what each table of records is, and what is odd.

    Faults show here, before anything is run.
    """
    from habitat.forest import refuse_one_kind, within_years
    from habitat.records import split_findings
    from habitat.workflow.cells import Survey
    from habitat.workflow.formulas import check_formulas
    from habitat.workflow.survey_records import has_effort, records_of, understood
    from habitat.workflow.training import labels_of
    from habitat.workflow.whereabouts import misplaced

    recipe = plan.recipe
    counts: dict[str, int] = {}
    read: dict[str, dict[str, Any]] = {}
    doubts: list[str] = []
    if recipe.forest is not None:
        counts["labels"] = len(labels := labels_of(plan))
        refuse_one_kind(within_years(labels, plan.years)[0], forest_codes=plan.legend.forest_codes)
        if outside := labels.attrs.get("outside", 0):
            counts["labels outside the area"] = outside
    if recipe.cells is not None:
        counts["cells"] = len(Survey(plan).cells)
    if recipe.sightings is not None:
        records = records_of(plan)
        quarantine, flags = split_findings(records.findings)
        counts |= {"sightings": len(records.observations), "records that would be set aside": len(quarantine)}
        counts |= {"records that would be flagged": len(flags)} if len(flags) else {}
        if has_effort(records):
            counts |= {"deployments": records.effort["deployment"].nunique()} if len(records.effort) else {}
            counts |= {"patrols": records.fixes["patrol"].nunique()} if len(records.fixes) else {}
            known = {*records.effort["deployment"], *records.fixes["patrol"]}
            counts["sightings of no known effort"] = int((~records.observations["effort_id"].isin(known)).sum())
        read, doubts = understood(records), misplaced(plan, records)
        check_formulas(plan, patrols=bool(len(records.fixes)))
    return counts, read, doubts
