"""How right the maps are, and how large areas are, by the places that people looked at."""

from __future__ import annotations

from typing import Any

from habitat.report.folder import RunFolder
from habitat.report.words import hectares, is_number, limits, number, percent, plural


def assessment(run: RunFolder) -> dict[str, Any] | str:
    """Accuracies and areas with their limits, and the error matrices; or why there are none."""
    notes = run.notes("assess")
    accuracy, areas, matrix = (run.table(f"assess/{name}.csv") for name in ("accuracy", "areas", "error_matrix"))
    if accuracy is None or areas is None:
        if notes.get("points"):
            return (
                f"{plural(notes['points'], 'place')} are drawn and wait for answers: open assess/sheet.html. "
                "Until then every area is a pixel count."
            )
        return run.left_out("assess", "assess/accuracy.csv")
    return {
        "places": plural(int(notes.get("answered") or areas["n_samples"].max()), "place"),
        "points": number(notes.get("points")),
        "strata": [
            {"name": name, "pixels": number(told["pixels"]), "samples": number(told["samples"])}
            for name, told in (notes.get("strata") or {}).items()
        ],
        "areas": [_area(run, row) for row in areas.to_dict("records") if str(row["what"]).startswith("loss")],
        "accuracies": [_accuracies(accuracy, of) for of in _shown(accuracy)],
        "matrices": [] if matrix is None else [_matrix(matrix, of) for of in _shown(matrix)],
    }


def _shown(table: Any) -> list[str]:
    """What is shown of many years: the first and the last one, and loss."""
    years = sorted({of for of in table["of"] if of.isdigit()})
    wanted = {*years[:1], *years[-1:], *(of for of in table["of"] if of.startswith("loss"))}
    last = years[-1] if years else ""
    wanted |= {of for of in table["of"] if of == f"{last}, classes"}
    return [of for of in dict.fromkeys(table["of"]) if of in wanted]


def _area(run: RunFolder, row: dict[str, Any]) -> dict[str, str]:
    single = row["what"] == "loss"
    return {
        "what": f"loss {row['year']}" if single else str(row["what"]),
        "estimate": hectares(row["estimate_ha"]),
        "limits": limits(row["lower"], row["upper"], hectares).removeprefix("95% limits ") or "none",
        "se": hectares(row["se_ha"]),
        "wald": limits(row["wald_lower"], row["wald_upper"], hectares).removeprefix("95% limits ") or "none",
        "counted": _counted(run, row, single),
        "found": number(row["n_found"]),
    }


def _counted(run: RunFolder, row: dict[str, Any], single: bool) -> str:
    """The same by pixel count, from the maps."""
    counts = run.notes("assess").get("pixel_count_ha") or {}
    return hectares(counts.get(f"loss {row['year']}" if single else str(row["what"])))


def _accuracies(table: Any, of: str) -> dict[str, Any]:
    part = table[table["of"] == of]
    overall = part[part["measure"] == "overall"].iloc[0]
    by_class: dict[str, dict[str, str]] = {}
    for row in part[part["measure"] != "overall"].to_dict("records"):
        told = by_class.setdefault(str(row["class"]), {"name": str(row["class"])})
        told["user" if row["measure"] == "user's" else "producer"] = _share(row)
    return {"of": of, "overall": _share(overall), "classes": list(by_class.values())}


def _share(row: Any) -> str:
    if not is_number(row["estimate"]):
        return "no place of it"
    between = limits(row["lower"], row["upper"], percent).removeprefix("95% limits ")
    return f"{percent(row['estimate'])} ({between})" if between else percent(row["estimate"])


def _matrix(table: Any, of: str) -> dict[str, Any]:
    part = table[table["of"] == of]
    counts = part.pivot(index="mapped", columns="reference", values="n").fillna(0)
    order = [name for name in dict.fromkeys(part["mapped"]) if name in counts.index]
    columns = [name for name in dict.fromkeys(part["reference"]) if counts[name].sum() or name in order]
    rows = [{"name": name, "counts": [number(int(counts.loc[name, c])) for c in columns]} for name in order]
    hits = [columns.index(name) if name in columns else -1 for name in order]
    return {"of": of, "columns": columns, "rows": rows, "hits": hits}
