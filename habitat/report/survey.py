"""Survey cells and sightings: what habitat is left, and where animals were recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from habitat.plots import share_map
from habitat.report.folder import RunFolder
from habitat.report.pictures import inset
from habitat.report.words import number, percent, place, plural

_MOST_ROWS = 5


# -- cells ----------------------------------------------------------------------------------------------


def survey_cells(run: RunFolder) -> dict[str, Any] | str:
    """Forest left and forest lost in the survey cells, in the last year, and the cells that lost most."""
    cells = run.table("cells.parquet")
    if cells is None:
        return run.left_out("cells", "cells.parquet")
    year = int(cells["year"].max())
    last = cells[cells["year"] == year].reset_index(drop=True)
    recent = "recent_loss" in last and last["recent_loss"].notna().any()
    column = "recent_loss" if recent else "loss_share"
    words = f"lost in {year - 2}–{year}" if recent else f"lost in {year}"
    left = share_map(last, "forest_share", label=f"share of the cell that is forest, {year}")
    maps = [inset(left, f"Map of the forest share of survey cells in {year}.", f"Forest left in {year}.")]
    if (last[column] > 0).any():
        label, most = f"share of the cell that was {words}", _round_up(float(last[column].max()))
        lost = share_map(last, column, label=label, most=most, colors="YlOrRd")
        maps.append(inset(lost, f"Map of the share of survey cells that was {words}.", f"Forest {words}."))
    side = float(np.sqrt(last["area_m2"].median()))
    judged = bool(last[column].notna().any())
    return {
        "year": year,
        "count": plural(last["cell"].nunique(), "cell"),
        "side": f"{side:,.0f} m" if side < 10_000 else f"{side / 1000:,.1f} km",
        "words": words.removeprefix("lost in "),
        "maps": maps,
        "no_loss": "" if len(maps) > 1 else f"In no cell was forest {words}." if judged else "Loss was not judged.",
        "rows": _cells_that_lost_most(last, column),
        "patches": _patches(run, year),
        "corridors": _corridors(run, year),
    }


def _patches(run: RunFolder, year: int) -> str:
    """The patches of forest in a sentence, beside those of the first year."""
    table = run.table("landscape/patches.parquet")
    if table is None:
        return ""
    first = int(table["year"].min())

    def told(part: Any) -> str:
        count, large = plural(len(part), "patch", "patches"), int(part["large"].sum())
        most, core = part["area_km2"].max(), part["core_km2"].sum() / part["area_km2"].sum()
        words = f"{count}, the largest of {number(most, 1)} km², {percent(core)} of it all far from an edge"
        return f"{words}; {large} of them large" if large else words

    now, then = (table[table["year"] == which] for which in (year, first))
    if not len(now) or not len(then):
        return ""
    return f"Forest in {year} lay in {told(now)}." + (f" In {first}: {told(then)}." if first < year else "")


def _corridors(run: RunFolder, year: int) -> list[dict[str, str]]:
    table = run.table("landscape/corridors.parquet")
    if table is None:
        return []
    return [
        {
            "patches": f"{row['from_patch']} to {row['to_patch']}",
            "length": f"{number(row['length_km'], 1)} km",
            "open": f"{number(row['open_km'], 1)} km",
            "gap": f"{number(row['widest_gap_m'])} m",
            "area": f"{number(row['corridor_km2'], 1)} km²",
        }
        for row in table[table["year"] == year].to_dict("records")
    ]


def _cells_that_lost_most(cells: Any, column: str) -> list[dict[str, str]]:
    lost = cells[cells[column] > 0].sort_values([column, "cell"], ascending=[False, True]).head(_MOST_ROWS)
    if not len(lost):
        return []
    spots = lost.geometry.centroid.to_crs(4326)
    return [
        {
            "cell": str(cell["cell"]),
            "lost": percent(cell[column]),
            "forest": percent(cell["forest_share"]),
            "seen": percent(cell["seen_share"]),
            "place": place(spot.y, spot.x),
        }
        for (_, cell), spot in zip(lost.iterrows(), spots, strict=True)
    ]


def _round_up(share: float) -> float:
    """The next share at which colours may end: 5, 10, 20, 40, 60, 80 or 100%."""
    return next((step for step in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8) if share <= step), 1.0)


# -- sightings ------------------------------------------------------------------------------------------


def sightings(run: RunFolder) -> dict[str, Any] | str:
    """Records by species, the habitat that they were in on their day, and the effort behind them."""
    events, effort = run.table("sightings.parquet"), run.table("effort.parquet")
    if run.file("sightings.parquet") is None:
        return run.left_out("sightings", "sightings.parquet")
    section: dict[str, Any] = {"species": [], "classes": [], "names": [], "effort": ""}
    if effort is not None:
        section["effort"] = _effort_words(effort)
    if events is not None:
        for name, part in events.groupby("species", sort=True):
            dates = part["time"].dt.strftime("%Y-%m-%d")
            section["species"].append(
                {
                    "name": str(name),
                    "events": f"{len(part):,}",
                    "cells": f"{part['cell'].nunique():,}",
                    "first": dates.min(),
                    "last": dates.max(),
                }
            )
        section["names"] = [s["name"] for s in section["species"]]
        section["classes"] = _habitat_of_records(run, events, section["names"])
    return section


def _effort_words(effort: Any) -> str:
    """How much was looked: deployments and camera-days, patrols and kilometres."""
    patrols = effort["method"] == "patrol" if "method" in effort else np.zeros(len(effort), dtype=bool)
    cameras, walked = effort[~patrols], effort[patrols]
    words = []
    if len(cameras):
        days = f", {number(cameras['effort_days'].sum())} camera-days" if "effort_days" in cameras else ""
        own = cameras["deployment"].nunique() if "deployment" in cameras else len(cameras)
        words.append(f"{plural(own, 'deployment')}{days}")
    if len(walked):
        words.append(
            f"{plural(walked['deployment'].nunique(), 'patrol')}, {number(walked['effort_km'].sum())} km on foot"
        )
    return "; ".join(words)


def _habitat_of_records(run: RunFolder, events: Any, names: list[str]) -> list[dict[str, Any]]:
    """Records by land cover of their own day, one row a class; without a map of that time they are 'unknown'."""
    if "code" not in events:
        return []
    code = events["code"].fillna(0).astype(int)
    known = {c.code: c for c in run.legend}
    rows = []
    for value in sorted(set(code), key=lambda v: (v == 0, v)):
        cover = known.get(value)
        counts = [int(((code == value) & (events["species"] == name)).sum()) for name in names]
        name = cover.name if cover else "not seen, or no map yet" if value == 0 else f"code {value}"
        rows.append({"name": name, "color": cover.color if cover else None, "counts": [f"{c:,}" for c in counts]})
    return rows
