"""Survey cells, sightings and occupancy: what habitat is left, where animals were recorded, where they may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from habitat.plots import doubt_map, occupancy_map, share_by_season, share_map
from habitat.report.folder import RunFolder
from habitat.report.pictures import inset
from habitat.report.words import NOT_RECORDED, is_number, limits, number, percent, place, plural

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
    }


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
        days = f", {number(effort['effort_days'].sum())} camera-days" if "effort_days" in effort else ""
        section["effort"] = f"{plural(len(effort), 'deployment')}{days}"
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


# -- occupancy ------------------------------------------------------------------------------------------


def occupancy(run: RunFolder) -> dict[str, Any] | str:
    """Each species' latest season: the map with its doubt, and recorded against modelled share of cells."""
    table, share = run.table("occupancy.parquet"), run.table("occupancy/share.csv")
    if table is None:
        return run.left_out("occupancy", "occupancy.parquet")
    return {"species": [_species(run, str(n), part, share) for n, part in table.groupby("species", sort=True)]}


def _species(run: RunFolder, name: str, table: Any, share: Any) -> dict[str, Any]:
    season = sorted(table["season"].unique())[-1]
    cells = table[table["season"] == season].reset_index(drop=True)
    modelled = bool(np.isfinite(cells["psi"].astype(float)).any())
    surveyed, detected = int(cells["surveyed"].fillna(False).sum()), int(cells["detected"].fillna(False).sum())
    counts = f"{plural(surveyed, 'cell')} surveyed, recorded in {detected:,}"
    maps = [
        inset(
            occupancy_map(cells),
            f"Map of the survey cells in {season}: {counts}.",
            "Where the animal may be: dots are what was recorded, colours what the model says."
            if modelled
            else "What was recorded. No model was fitted, so nothing is said of other cells.",
        )
    ]
    if modelled:
        words = "How sure that is: the darker a cell, the wider apart its limits. Beyond 50% a cell is a guess."
        maps.append(inset(doubt_map(cells), f"Map of the width of the 95% limits in {season}.", words))
    rows = share_rows(run, name) if share is not None else []
    chart = None
    if rows:
        mine = share[share["species"] == name].sort_values("season")
        figure = share_by_season(mine, title=" ")
        chart = inset(figure, "; ".join(r["words"] for r in rows), "Share of cells: recorded, and by the model.")
    return {
        "name": name,
        "season": str(season),
        "counts": counts,
        "modelled": modelled,
        "more": _about_the_model(run, name, cells) if modelled else "",
        "maps": maps,
        "chart": chart,
        "rows": rows,
        "terms": _terms(run, name),
    }


def _about_the_model(run: RunFolder, name: str, cells: Any) -> str:
    """Which year's habitat the model looks at, and how many cells lie beyond what was surveyed."""
    notes = (run.notes("occupancy").get("models") or {}).get(f"{name} {cells['season'].iloc[0]}") or {}
    beyond = int(cells["extrapolated"].fillna(False).sum())
    words = f" The model looks at the habitat of {notes['habitat_of']}." if notes.get("habitat_of") else ""
    return words + (f" {plural(beyond, 'cell')} beyond the habitat that was surveyed (hatched)." if beyond else "")


def share_rows(run: RunFolder, species: str | None = None) -> list[dict[str, Any]]:
    """Rows of occupancy/share.csv in words, oldest season first; of one species if named."""
    share = run.table("occupancy/share.csv")
    if share is None:
        return []
    if species is not None:
        share = share[share["species"] == species]
    rows = []
    for row in share.sort_values(["species", "season"]).to_dict("records"):
        between = limits(row["lower"], row["upper"], percent)
        model = percent(row["estimate"]) if is_number(row["estimate"]) else "no estimate"
        note = row.get("note")
        rows.append(
            {
                "species": str(row["species"]),
                "season": str(row["season"]),
                "surveyed": number(row["cells_surveyed"]),
                "naive": percent(row["naive"]),
                "naive_value": row["naive"],
                "model": model,
                "value": row["estimate"] if is_number(row["estimate"]) else None,
                "limits": between or "no limits",
                "between": between.removeprefix("95% limits ") or "none",
                "note": f"{row['season']}: {note}" if isinstance(note, str) and note else "",
                "words": f"{row['season']}: recorded in {percent(row['naive'])} of surveyed cells, "
                f"by the model in {model} ({between or 'no limits'})",
            }
        )
    return rows


def _terms(run: RunFolder, species: str) -> list[dict[str, str]]:
    table = run.table("occupancy/estimates.csv")
    if table is None:
        return []
    mine = table[table["species"] == species]
    return [
        {
            "season": str(row["season"]),
            "parameter": {"psi": "use (psi)", "p": "detection (p)"}.get(str(row["parameter"]), str(row["parameter"])),
            "term": str(row["term"]),
            **{key: number(row[key], 2) if is_number(row[key]) else NOT_RECORDED for key in ("estimate", "se")},
            "limits": f"{row['lower']:.2f} to {row['upper']:.2f}"
            if is_number(row["lower"]) and is_number(row["upper"])
            else "none",
        }
        for row in mine.to_dict("records")
    ]
