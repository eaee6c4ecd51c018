"""One HTML file from a run's folder: it reads nothing else, and the page loads nothing at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from habitat.report.accuracy import assessment
from habitat.report.animals import occupancy, share_rows
from habitat.report.folder import RunFolder, read_folder
from habitat.report.forest import area_entry, biggest_losses, first_seen, forest_maps, losses, unseen_share
from habitat.report.provenance import definitions, provenance
from habitat.report.quality import seeing, set_aside, validation, warnings
from habitat.report.survey import sightings, survey_cells
from habitat.report.words import hectares, percent, season, span
from habitat.store import write_text

NAME = "report.html"


def write_report(folder: Path) -> Path:
    """Write report.html, one self-contained page, from what is in a run's folder; return its path.

    Raises
    ------
    StoreError
        If the folder holds no run, or cannot be written.
    ReadError
        If a raster or table of the run is damaged.
    """
    run = read_folder(Path(folder))
    path = run.path / NAME
    write_text(path, render(run))
    return path


def render(run: RunFolder) -> str:
    """Return the page as HTML text."""
    environment = Environment(
        loader=PackageLoader("habitat.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    years = run.years("forest") or run.years("composites")
    return environment.get_template("report.html.j2").render(
        name=run.name,
        years=span(years),
        season=season(run.setting("period", "season")),
        keys=key_figures(run),
        forest=forest_maps(run),
        losses=losses(run),
        biggest=biggest_losses(run),
        assessment=assessment(run),
        cells=survey_cells(run),
        sightings=sightings(run),
        occupancy=occupancy(run),
        seeing=seeing(run),
        validation=validation(run),
        warnings=warnings(run),
        set_aside=set_aside(run),
        provenance=provenance(run),
        definitions=definitions(run),
        version=(run.state.get("versions") or {}).get("habitat", ""),
    )


# -- the strip of key figures ---------------------------------------------------------------------------


def key_figures(run: RunFolder) -> list[dict[str, Any]]:
    """Three to five numbers for the top of the page, each with its doubt; those that were not made are left out."""
    keys = [*_forest_keys(run), *_use_keys(run)[:2]]
    found = run.json("forest/validation.json")
    if found is not None and found.get("balanced_accuracy") is not None:
        checked = validation(run)
        assert isinstance(checked, dict)
        keys.append(
            {
                "id": "accuracy",
                "label": "Map accuracy",
                "text": checked["balanced"],
                "value": found["balanced_accuracy"],
                "doubt": checked["limits"] or "no limits recorded",
                "note": "forest against the rest, on land kept out of training (balanced)",
            }
        )
    return keys


def _forest_keys(run: RunFolder) -> list[dict[str, Any]]:
    areas = run.table("areas.csv")
    if areas is None:
        return []
    keys = []
    forest = areas[areas["what"] == "forest"].sort_values("year")
    if len(forest):
        mapped = run.years("forest")
        seen = forest[forest["year"] == first_seen(run, mapped[::-1])] if mapped else forest
        row = (seen if len(seen) else forest).iloc[-1]
        last, year = area_entry(row), int(row["year"])
        note = ""
        if year in run.years("forest"):
            unseen = unseen_share(run, year)
            note = f"{percent(unseen)} of the area was not seen" if unseen else "the whole area was seen"
        keys.append({"id": "forest", "label": f"Forest in {year}", **last, "note": note})
    loss = areas[areas["what"] == "loss"].sort_values("year")
    if len(loss):
        keys.append(_loss_key(areas, loss, forest))
        worst = loss.loc[loss["estimate_ha"].idxmax()]
        if worst["estimate_ha"] > 0 and len(loss) > 1:
            entry, year = area_entry(worst), int(worst["year"])
            note = f"{entry['text']} in that year"
            keys.append(
                {"id": "worst", "label": "Year of most loss", **entry, "text": str(year), "value": year, "note": note}
            )
    return keys


def _loss_key(areas: Any, loss: Any, forest: Any) -> dict[str, Any]:
    """Forest lost in all years: its estimate where there is one, else the sum of the years, named as what it is."""
    years = span(sorted(loss["year"].astype(int)))
    whole = areas[areas["what"] == f"loss {years.replace('–', '-')}"]
    if len(whole):
        entry = area_entry(whole.iloc[-1])
    else:
        counted = (loss["method"] == "pixel_count").all()
        total = float(loss["estimate_ha"].sum())
        doubt = "pixel count" if counted else "sum of yearly estimates; their limits are in the table"
        entry = {"text": hectares(total), "value": total, "doubt": doubt}
    before = float(forest.iloc[0]["estimate_ha"]) if len(forest) else 0.0
    note = f"{percent(entry['value'] / before)} of the forest of {int(forest.iloc[0]['year'])}" if before > 0 else ""
    return {"id": "loss", "label": f"Forest lost, {years}", **entry, "note": note}


def _use_keys(run: RunFolder) -> list[dict[str, Any]]:
    """Each species' share of cells in its latest season."""
    latest = {row["species"]: row for row in share_rows(run)}
    keys = []
    for name, row in latest.items():
        naive = f"recorded in {row['naive']} of {row['surveyed']} surveyed"
        if row["value"] is None:
            keys.append(
                {
                    "id": "use",
                    "label": f"Cells with records of {name}, {row['season']}",
                    "text": row["naive"],
                    "value": row["naive_value"],
                    "doubt": "recorded only: no model was fitted, so no limits",
                    "note": f"of {row['surveyed']} surveyed cells",
                }
            )
        else:
            keys.append(
                {
                    "id": "use",
                    "label": f"Cells used by {name}, {row['season']}",
                    "text": row["model"],
                    "value": row["value"],
                    "doubt": row["limits"],
                    "note": naive,
                }
            )
    return keys
