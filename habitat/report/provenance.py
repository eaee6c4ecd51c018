"""Where every number came from: the recipe, the versions, the stages and the digests of their files."""

from __future__ import annotations

from typing import Any

from habitat.report.folder import RunFolder, thumbnail
from habitat.report.words import NOT_RECORDED, number, season

_SHOWN = 12
"""Digits of a digest that are shown: enough to tell files apart, few enough to read out."""

STAGES = ("composite", "train", "map", "change", "assess", "cells", "join", "occupancy", "report")


def provenance(run: RunFolder) -> dict[str, Any]:
    """Stages in their order with their files, the software's versions, the grid, and the recipe as it was run."""
    order = {name: at for at, name in enumerate(STAGES)}
    names = sorted(run.stages, key=lambda name: (order.get(name, len(order)), name))
    return {
        "stages": [_stage(name, run.stages[name]) for name in names if name != "report"],
        "versions": sorted((str(k), str(v)) for k, v in (run.state.get("versions") or {}).items()),
        "grid": _grid(run),
        "recipe": run.recipe_text.strip() or NOT_RECORDED,
        "recipe_from": str(run.state.get("recipe") or NOT_RECORDED),
    }


def _stage(name: str, record: dict[str, Any]) -> dict[str, Any]:
    files = sorted((str(path), str(known)[:_SHOWN]) for path, known in (record.get("outputs") or {}).items())
    return {
        "name": name,
        "key": str(record.get("key") or NOT_RECORDED)[:_SHOWN],
        "done": "finished" if record.get("finished") else "not finished",
        "seconds": number(record.get("seconds"), 1),
        "files": files,
    }


def _grid(run: RunFolder) -> dict[str, str]:
    for folder in ("forest", "composites"):
        years = run.years(folder)
        if years:
            small = thumbnail(run.path / f"{folder}/{years[0]}.tif", most=2)
            grid, (rows, cols) = small.grid, small.grid.shape
            width, height = abs(grid.transform.a) * cols, abs(grid.transform.e) * rows
            west, north = grid.transform.c, grid.transform.f
            return {
                "crs": _system(grid.crs),
                "pixel": f"{small.native_m:g} m",
                "size": f"{width / 1000:,.3g}\u00a0×\u00a0{height / 1000:,.3g}\u00a0km",
                "bounds": f"{west:,.0f} to {west + width:,.0f} m east, {north - height:,.0f} to {north:,.0f} m north",
            }
    return dict.fromkeys(("crs", "pixel", "size", "bounds"), NOT_RECORDED)


def _system(crs: Any) -> str:
    return f"{crs.proj.name} (EPSG:{crs.epsg})" if crs.epsg else str(crs.proj.name)


def definitions(run: RunFolder) -> list[tuple[str, str]]:
    """The words of the page, each with what it means here."""
    forest = ", ".join(c.name for c in run.legend if c.forest) or NOT_RECORDED
    window = season(run.setting("period", "season"))
    patch = run.setting("change", "min_patch_ha")
    smallest = (
        f" Losses that touch each other and together cover less than {patch:g} ha are not counted."
        if patch is not None
        else ""
    )
    return [
        (
            "Forest",
            f"Land under woody crowns on the date of the map: what is there, not what the land is meant for. The "
            f"training labels decide where it begins; by convention crowns cover at least 30% of the pixel. Here "
            f"these classes are forest: {forest}.",
        ),
        ("Mapping season", f"The part of a year that its map stands for: {window}."),
        (
            "Loss year",
            "Forest in the mapping season of the year before and not in that of the year itself; the first loss if "
            f"there were several. Regrowth is not set against it.{smallest}",
        ),
        (
            "Not seen",
            "No clear look in that mapping season: such a place has no state, and no change is called from it.",
        ),
        (
            "Pixel count",
            "The area of the pixels that the map calls so. Maps err, so the true area can be larger or smaller; by how "
            "much is only known from reference samples, and until there are some no limits are given.",
        ),
        (
            "95% limits",
            "If the work were repeated many times, the limits would hold the true value in 95 of 100 cases, as far "
            "as the model is right.",
        ),
        (
            "Recorded (naive) share",
            "Cells with at least one record, divided by cells surveyed. It is too low wherever animals were there "
            "and missed.",
        ),
        (
            "Use, not occupancy",
            "The model gives the probability (psi) that the species uses a cell during the season, corrected for "
            "missed detections. Where cells are smaller than a home range, one animal uses many cells: the share of "
            "cells in use is neither the share of land occupied nor a count of animals. Never compare years surveyed "
            "with cells of different size.",
        ),
        (
            "Extrapolated",
            "A cell whose habitat lies outside what was surveyed: there are no data like it, whatever its limits say.",
        ),
    ]
