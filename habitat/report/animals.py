"""Where the animals may be: maps of use and their doubt, shares of cells, and what the models rest on."""

from __future__ import annotations

from typing import Any

import numpy as np

from habitat.plots import doubt_map, occupancy_map, share_by_season
from habitat.report.folder import RunFolder
from habitat.report.pictures import inset
from habitat.report.words import NOT_RECORDED, is_number, limits, number, percent, plural

_PARAMETERS = {
    "psi": "use (psi)",
    "p": "detection (p)",
    "col": "colonisation",
    "ext": "extinction",
    "lam": "number of animals (lambda)",
    "r": "detection of one animal (r)",
    "fp": "false records",
    "b": "certainty of true records",
}
_MEASURES = {
    "use": " Cells are smaller than a home range: what is told is their use, not that an animal lives in each.",
    "occupancy": " Cells are at least as large as a home range: what is told is occupancy.",
}


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
        mine = _of_the_cells(share[share["species"] == name]).sort_values("season")
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
        "sizes": _sizes(share, name),
        "tests": _tests(run, name),
        "candidates": _candidates(run, name),
        "terms": _terms(run, name),
    }


def _about_the_model(run: RunFolder, name: str, cells: Any) -> str:
    """Which year's habitat the model looks at, and how many cells lie beyond what was surveyed."""
    notes = (run.notes("occupancy").get("models") or {}).get(f"{name} {cells['season'].iloc[0]}") or {}
    beyond = int(cells["extrapolated"].fillna(False).sum())
    words = f" The model looks at the habitat of {notes['habitat_of']}." if notes.get("habitat_of") else ""
    words += _MEASURES.get(str(notes.get("measures")), "")
    return words + (f" {plural(beyond, 'cell')} beyond the habitat that was surveyed (hatched)." if beyond else "")


def share_rows(run: RunFolder, species: str | None = None) -> list[dict[str, Any]]:
    """Rows of occupancy/share.csv in words, oldest season first; of one species if named."""
    share = run.table("occupancy/share.csv")
    if share is None:
        return []
    if species is not None:
        share = share[share["species"] == species]
    share = _of_the_cells(share)
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
                "expected": _with_limits(row.get("expected"), row.get("expected_lower"), row.get("expected_upper")),
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
            "parameter": _PARAMETERS.get(str(row["parameter"]), str(row["parameter"])),
            "term": str(row["term"]),
            **{key: number(row[key], 2) if is_number(row[key]) else NOT_RECORDED for key in ("estimate", "se")},
            "limits": f"{row['lower']:.2f} to {row['upper']:.2f}"
            if is_number(row["lower"]) and is_number(row["upper"])
            else "not estimated (at a boundary)"
            if row.get("status") == "boundary"
            else "none",
        }
        for row in mine.to_dict("records")
    ]


def _of_the_cells(share: Any) -> Any:
    """Rows of the survey's own cells: those of other sizes stand after them in the table."""
    if "size_m" not in share or not share["size_m"].notna().any():
        return share
    first = share["size_m"].iloc[0]
    return share[share["size_m"].isna() if not is_number(first) else share["size_m"] == first]


def _sizes(share: Any, species: str) -> list[dict[str, str]]:
    """The share at every size of cells, of seasons that have more than one; years are not compared across sizes."""
    if share is None or "size_m" not in share or share["size_m"].nunique(dropna=False) < 2:
        return []
    mine = share[share["species"] == species].sort_values(["season", "size_m"])
    return [
        {
            "season": str(row["season"]),
            "size": f"{row['size_m']:,.0f} m" if is_number(row["size_m"]) else "given cells",
            "surveyed": number(row["cells_surveyed"]),
            "naive": percent(row["naive"]),
            "model": _with_limits(row["estimate"], row["lower"], row["upper"]),
        }
        for row in mine.to_dict("records")
    ]


def _with_limits(value: Any, lower: Any, upper: Any) -> str:
    if not is_number(value):
        return "no estimate"
    between = limits(lower, upper, percent).removeprefix("95% limits ")
    return f"{percent(value)} ({between or 'no limits'})"


def _tests(run: RunFolder, species: str) -> list[dict[str, str]]:
    """Whether the models fit, and whether neighbours are more alike than they foretell."""
    table = run.table("occupancy/fit.csv")
    if table is None:
        return []
    return [
        {
            "season": str(row["season"]),
            "c_hat": number(row["c_hat"], 2) if is_number(row["c_hat"]) else "not tested",
            "p": f"{row['p_value']:.2f}" if is_number(row["p_value"]) else "",
            "moran": f"{row['moran_i']:.2f}" if is_number(row["moran_i"]) else "not tested",
            "moran_p": f"{row['moran_p_value']:.3f}" if is_number(row["moran_p_value"]) else "",
        }
        for row in table[table["species"] == species].to_dict("records")
    ]


def _candidates(run: RunFolder, species: str) -> list[dict[str, str]]:
    """Models that were compared, best first."""
    table = run.table("occupancy/models.csv")
    if table is None:
        return []
    return [
        {
            "season": str(row["season"]),
            "model": str(row["model"]),
            "delta": number(row["delta"], 1),
            "weight": percent(row["weight"]),
        }
        for row in table[table["species"] == species].to_dict("records")
    ]
