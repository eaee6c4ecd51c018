"""How good the data are: scenes, what was not seen, how well the classifier does, what was set aside."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from habitat.plots import looks_map
from habitat.report.folder import RunFolder, mean_looks, thumbnail
from habitat.report.forest import unseen_share
from habitat.report.pictures import Inset, inset, thinned
from habitat.report.words import NOT_RECORDED, is_number, limits, number, percent, plural

_SENSORS = {
    "sentinel-2": "Sentinel-2",
    "landsat": "Landsat",
    "landsat-tm": "Landsat 4-7",
    "hls-s30": "HLS Sentinel-2",
    "hls-l30": "HLS Landsat",
}


def seeing(run: RunFolder) -> dict[str, Any] | str:
    """Scenes by sensor, clear looks and the share of the area that was not seen, by year."""
    years = sorted({*run.years("composites"), *run.years("forest")})
    if not years:
        return run.left_out("scenes", "composites/<year>.tif")
    scenes, mapped = scene_list(run), run.years("forest")
    sensors = sorted({scene["sensor"] for scene in scenes})
    counts = Counter((scene["date"][:4], scene["sensor"]) for scene in scenes)
    holes = _holes(run)
    looks = {y: mean_looks(path) for y in years if (path := run.file("composites", f"{y}.tif"))}
    rows = [
        {
            "year": year,
            "scenes": [f"{counts[str(year), sensor]:,}" for sensor in sensors],
            "looks": number(looks.get(year), 1),
            "unseen": percent(unseen_share(run, year)) if year in mapped else NOT_RECORDED,
        }
        for year in years
    ]
    return {
        "sensors": sensors,
        "scenes": scenes,
        "rows": rows,
        "map": _fewest_looks(run),
        "known": bool(scenes),
        "left_out": _left_out(run),
        "holes": holes,
        "missing": plural(len({scene for scene, _ in holes}), "scene"),
        "offsets": [(str(k), str(v)) for k, v in sorted((run.notes("composite").get("offsets") or {}).items())],
    }


def _left_out(run: RunFolder) -> list[str]:
    """Scenes that were not used, by reason."""
    reasons = (run.notes("composite").get("reasons") or {}).items()
    return [f"{plural(count, 'scene')} not used: {reason}." for reason, count in sorted(reasons)]


def _holes(run: RunFolder) -> list[tuple[str, str]]:
    """Scenes that could not be had, each with what was tried: (scene, words)."""
    return [
        (str(hole.get("scene", NOT_RECORDED)), f"{hole.get('asset', 'a file')}: {hole.get('reason', NOT_RECORDED)}")
        for hole in run.notes("composite").get("missing") or []
        if isinstance(hole, dict)
    ]


def warnings(run: RunFolder) -> list[tuple[str, str]]:
    """What the stages warned of: (stage, words)."""
    return [
        (stage, str(words))
        for stage in run.stages
        if stage != "report"
        for words in run.notes(stage).get("warnings") or []
    ]


def scene_list(run: RunFolder) -> list[dict[str, str]]:
    """Scenes that the composites were made from, oldest first, as the run noted them."""
    noted = run.notes("composite").get("scenes") or []
    scenes = [
        {
            "id": str(s.get("id", NOT_RECORDED)),
            "date": str(s.get("date", NOT_RECORDED))[:10],
            "sensor": _SENSORS.get(str(s.get("sensor", "")).lower(), str(s.get("sensor", NOT_RECORDED))),
            "cloud": percent(s["cloud_percent"] / 100) if is_number(s.get("cloud_percent")) else NOT_RECORDED,
        }
        for s in noted
        if isinstance(s, dict)
    ]
    return sorted(scenes, key=lambda s: (s["date"], s["id"]))


def _fewest_looks(run: RunFolder) -> Inset | None:
    """The map of the fewest looks that a pixel had in any year."""
    fewest, last = None, None
    for year in run.years("composites"):
        try:
            last = thumbnail(run.path / f"composites/{year}.tif", "looks", most=600)
        except ValueError:
            continue
        looks = np.maximum(last.values, 0)
        fewest = looks if fewest is None else np.minimum(fewest, looks)
    if fewest is None or last is None:
        return None
    figure = looks_map(fewest, last.grid, label="fewest clear looks in any year")
    caption = "The fewest clear looks of any mapping season; hatched: none in at least one. A single look has no check."
    return inset(figure, "Map of the fewest clear looks in any year.", caption + thinned(last))


# -- the classifier -------------------------------------------------------------------------------------


def validation(run: RunFolder) -> dict[str, Any] | str:
    """How well the classifier tells classes apart on land that it was not trained on."""
    found = run.json("forest/validation.json")
    if found is None:
        return run.left_out("forest", "forest/validation.json")
    block = found.get("block_m")
    return {
        "method": str(found.get("method") or NOT_RECORDED),
        "block": f"{number(block)} m" if is_number(block) else NOT_RECORDED,
        "labels": number(found.get("n_labels")),
        "folds": len(found.get("folds") or []),
        "balanced": percent(found.get("balanced_accuracy")),
        "overall": percent(found.get("overall_accuracy")),
        "limits": limits(found.get("balanced_accuracy_low"), found.get("balanced_accuracy_high"), percent)
        or _between_folds(found.get("folds") or []),
        "confusion": _confusion(run, found),
    }


def _between_folds(folds: list[dict[str, Any]]) -> str:
    """How far the folds lie apart, in words: no limits, but the spread that there is."""
    found = [fold["balanced_accuracy"] for fold in folds if is_number(fold.get("balanced_accuracy"))]
    return f"{percent(min(found))} to {percent(max(found))} in {len(found)} folds" if len(found) > 1 else ""


def _confusion(run: RunFolder, found: dict[str, Any]) -> dict[str, Any] | None:
    codes, matrix = found.get("classes") or [], np.asarray(found.get("confusion") or [], dtype=float)
    if not codes or matrix.shape != (len(codes), len(codes)):
        return None
    names = {c.code: c.name for c in run.legend}
    right, asked, said = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    rows = [
        {
            "name": names.get(int(code), f"code {code}"),
            "counts": [f"{int(n):,}" for n in matrix[i]],
            "found": percent(right[i] / asked[i]) if asked[i] else "no labels",
            "correct": percent(right[i] / said[i]) if said[i] else "never said",
        }
        for i, code in enumerate(codes)
    ]
    return {"names": [row["name"] for row in rows], "rows": rows}


# -- records set aside ----------------------------------------------------------------------------------


def set_aside(run: RunFolder) -> dict[str, Any] | str:
    """Records that could not be used, counted by file and reason."""
    if run.file("quarantine.parquet") is None:
        return run.left_out("sightings", "quarantine.parquet")
    table = run.table("quarantine.parquet")
    if table is None:
        return {"line": "No record had to be set aside.", "rows": []}
    groups = table.groupby(["file", "reason"], sort=True).size()
    rows = [{"file": str(f), "reason": str(r), "count": f"{n:,}"} for (f, r), n in groups.items()]
    return {"line": f"{plural(len(table), 'record')} could not be used, for these reasons.", "rows": rows}
