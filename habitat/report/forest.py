"""Forest and its loss: maps of the first and last year, loss by year and place, the biggest losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from habitat.cubes import is_loss
from habitat.grids import rasterize
from habitat.legend import UNKNOWN
from habitat.plots import before_after, forest_map, loss_by_year, loss_map
from habitat.report.burns import burnt_ground
from habitat.report.folder import RunFolder, chip, square, thumbnail
from habitat.report.pictures import Inset, inset, thinned
from habitat.report.words import hectares, is_number, limits, listed, number, percent, place, span

BIGGEST = 6
"""How many of the biggest losses are shown."""

UNSEEN = ("not seen", "unseen")
"""What areas.csv calls the area without a state."""

_MUCH, _FEW, _MOST = 0.05, 3, 0.5
"""Share of the area that is much not to see; as many years as are named one by one; most of a patch."""

_CHIP_M = 700
"""Smallest side of a before-and-after picture: less has no surroundings to compare with."""


def forest_maps(run: RunFolder) -> dict[str, Any] | str:
    """Land cover of the first and last year that saw any of the area, side by side, and hectares by class."""
    years = run.years("forest")
    if not years:
        return run.left_out("forest", "forest/<year>.tif")
    ends = sorted({first_seen(run, years), first_seen(run, years[::-1])})
    areas = {year: run.class_areas(year) for year in ends}
    present = [c for c in run.legend if any(c.code in areas[year] for year in ends)]
    rows = [_class_row(c.name, c.color, c.forest, [areas[year].get(c.code, 0.0) for year in ends]) for c in present]
    unseen = [unseen_ha(run, year) for year in ends]
    if any(unseen):
        rows.append(_class_row("not seen", None, False, unseen))
    strange = sorted({code for year in ends for code in areas[year]} - {0, *run.legend.codes})
    return {"years": ends, "maps": [_land_cover(run, y) for y in ends], "classes": rows, "strange": strange}


def first_seen(run: RunFolder, years: Sequence[int]) -> int:
    """The first of some years of maps that saw any of the area; the first of all if none did."""
    return next((year for year in years if unseen_share(run, year) < 1), years[0])


def _class_row(name: str, color: str | None, forest: bool, areas: list[float]) -> dict[str, Any]:
    change = areas[-1] - areas[0]
    sign = "+" if change > 0 else "−" if change < 0 else ""
    return {
        "name": name,
        "color": color,
        "forest": forest,
        "areas": [hectares(area) for area in areas],
        "change": f"{sign}{hectares(abs(change))}",
    }


def unseen_ha(run: RunFolder, year: int) -> float:
    """Hectares of the area that have no state in the map of `year`.

    areas.csv knows the area's outline; without it the map's unknown pixels count, those outside the area too.
    """
    areas = run.table("areas.csv")
    if areas is not None:
        rows = areas[(areas["year"] == year) & areas["what"].isin(UNSEEN)]
        if len(rows):
            return float(rows["estimate_ha"].iloc[0])
    return run.class_areas(year).get(UNKNOWN, 0.0)


def unseen_share(run: RunFolder, year: int) -> float:
    """Share of the area that has no state in the map of `year`; 0 for an area without pixels."""
    unseen = unseen_ha(run, year)
    whole = unseen + sum(area for code, area in run.class_areas(year).items() if code != UNKNOWN)
    return unseen / whole if whole > 0 else 0.0


def _land_cover(run: RunFolder, year: int) -> Inset:
    code = thumbnail(run.path / f"forest/{year}.tif")
    figure = forest_map(code.values, code.grid, run.legend, title=str(year), key=False)
    caption = f"Land cover in the mapping season of {year}.{thinned(code)}"
    return inset(figure, f"Map of land cover in {year}; the table below lists its classes in hectares.", caption)


# -- loss -----------------------------------------------------------------------------------------------


ONE_YEAR = "loss cannot be judged from one year."


def losses(run: RunFolder) -> dict[str, Any] | str:
    """Loss by year as a chart and a table, and the map of its years."""
    if len(run.years("forest")) == 1:
        return " ".join(filter(None, (ONE_YEAR, burnt_ground(run))))
    areas = run.table("areas.csv")
    raster = run.file("change", "loss_year.tif")
    if raster is None and (areas is None or not (areas["what"] == "loss").any()):
        return run.left_out("change", "change/loss_year.tif", "areas.csv")
    section: dict[str, Any] = {"chart": None, "map": None, "rows": area_rows(run), "counted": False, "doubts": True}
    section |= {"unseen": _hardly_seen(run), "burnt": burnt_ground(run)}
    if areas is not None and (areas["what"] == "loss").any():
        loss = areas[areas["what"] == "loss"]
        section["counted"] = bool((loss["method"] == "pixel_count").any())
        section["doubts"] = not (areas["method"] == "pixel_count").all()
        words = "; ".join(
            f"{row['year']}: {hectares(row['estimate_ha'])} ({area_entry(row)['doubt']})"
            for row in loss.sort_values("year").to_dict("records")
        )
        caption = "Forest lost, by year. The colours are those of the map."
        section["chart"] = inset(loss_by_year(areas), f"Bar chart of forest lost. {words}.", caption)
    if raster is not None:
        section["map"] = _loss_map(run, areas)
    return section


def _hardly_seen(run: RunFolder) -> str:
    """Name the years in which so much was not seen that areas of years do not compare."""
    years = run.years("forest")
    poor = {year: share for year in years if (share := unseen_share(run, year)) > _MUCH}
    if len(poor) > _FEW:
        return f"{len(poor)} of {len(years)} years"
    return listed([f"{year} ({percent(share)})" for year, share in poor.items()])


def _loss_map(run: RunFolder, areas: Any) -> Inset:
    small = thumbnail(run.path / "change/loss_year.tif")
    loss_year, grid = small.values, small.grid
    years = run.years("forest")
    background = None
    if years:
        first = thumbnail(run.path / f"forest/{years[0]}.tif")
        background = np.isin(first.values, run.legend.forest_codes) if first.grid.shape == grid.shape else None
    charted = [] if areas is None else sorted(areas.loc[areas["what"] == "loss", "year"].astype(int))
    lost = is_loss(loss_year)
    smallest = run.notes("change").get("smallest_ha")
    least = f" of {smallest:g} ha or more" if is_number(smallest) else ""
    figure = loss_map(loss_year, grid, background=background, years=charted or None)
    alt = "Map of the year in which forest was first lost." if lost.any() else f"Map: no forest loss{least} was found."
    caption = (
        "Where forest was lost, by the year of the first loss." if lost.any() else f"No forest loss{least} was found."
    )
    return inset(figure, alt, caption + thinned(small))


def area_rows(run: RunFolder) -> list[dict[str, Any]]:
    """One row a year of areas.csv: forest, loss and unseen, each with limits where they were estimated."""
    areas = run.table("areas.csv")
    if areas is None:
        return []
    rows = []
    for year, part in areas.groupby("year"):
        row: dict[str, Any] = {"year": int(year)}
        for what, names in (("forest", ("forest",)), ("loss", ("loss",)), ("unseen", UNSEEN)):
            found = part[part["what"].isin(names)]
            row[what] = area_entry(found.iloc[0]) if len(found) else None
        rows.append(row)
    return rows


def area_entry(row: Any) -> dict[str, Any]:
    """An area of areas.csv, with its doubt in words."""
    value = float(row["estimate_ha"])
    between = limits(row["lower"], row["upper"], hectares)
    method = str(row["method"]).replace("_", " ")
    samples = f", {number(row['n_samples'])} samples" if is_number(row["n_samples"]) and row["n_samples"] else ""
    return {"value": value, "text": hectares(value), "doubt": between or method, "method": method + samples}


# -- the biggest losses ---------------------------------------------------------------------------------


def biggest_losses(run: RunFolder) -> dict[str, Any] | str:
    """The largest patches of loss, each with its place and its pictures of the year before and of its year."""
    if len(run.years("forest")) == 1:
        return ONE_YEAR
    if run.file("change", "patches.parquet") is None:
        return run.left_out("change", "change/patches.parquet")
    patches = run.table("change/patches.parquet")
    if patches is None:
        return "no loss was large enough to be listed."
    top = patches.sort_values(["area_ha", "year", "patch"], ascending=[False, True, True]).head(BIGGEST)
    spots = top.geometry.representative_point().to_crs(4326)
    events = []
    for (_, patch), spot in zip(top.iterrows(), spots, strict=True):
        before = _year_before(run, patch)
        events.append(
            {
                "between": _dated(patch) or _between(before, int(patch["year"])),
                "kind": _kind(patch),
                "year": int(patch["year"]),
                "value": float(patch["area_ha"]),
                "area": hectares(patch["area_ha"]),
                "probability": percent(patch["probability"]),
                "place": place(spot.y, spot.x),
                "latitude": round(spot.y, 6),
                "longitude": round(spot.x, 6),
                "chips": _chips(run, patch, before),
            }
        )
    told = {"kinds": _by_kind(patches), "sources": _sources(run)}
    return {"events": events, "count": len(patches), "total": hectares(patches["area_ha"].sum())} | told


def _sources(run: RunFolder) -> str:
    """Say what loss was told from, and the smallest that is told."""
    notes = run.notes("change")
    words = {
        "maps": "the yearly maps",
        "trajectories": "the course of each pixel’s composites",
        "breaks": f"breaks in all {number(notes.get('scenes_read'))} looks",
    }
    used = listed([words[way] for way in notes.get("evidence", ()) if way in words])
    smallest = notes.get("smallest_ha")
    small = f" No patch below {smallest:g} ha is told." if is_number(smallest) else ""
    dated = notes.get("dated_share")
    dates = ""
    if "breaks" in notes.get("evidence", ()) and is_number(dated):
        dates = f" Breaks date {percent(dated)} of it to the days between two looks."
    return f"Loss was told from {used}.{dates}{small}" if used else ""


def _by_kind(patches: Any) -> list[tuple[str, str, int]]:
    """Hectares and patches of each kind, the largest first; nothing where kinds were not told."""
    if "kind" not in patches:
        return []
    sums = patches.groupby("kind")["area_ha"].agg(["sum", "size"]).sort_values("sum", ascending=False)
    return [(str(kind), hectares(row["sum"]), int(row["size"])) for kind, row in sums.iterrows()]


def _kind(patch: Any) -> str:
    """What happened, with how probable that is; nothing where it was not asked."""
    kind = patch.get("kind")
    if not isinstance(kind, str):
        return ""
    return f"{kind} ({percent(patch['kind_probability'])})" if kind != "don't know" else "what happened is not known"


def _dated(patch: Any) -> str:
    """Say between which looks forest was lost, where breaks tell it."""
    ends = patch.get("earliest"), patch.get("latest")
    if any(end is None or end != end for end in ends):
        return ""
    return f"between {ends[0]:%-d %B %Y} and {ends[1]:%-d %B %Y}"


def _year_before(run: RunFolder, patch: Any) -> int:
    """The latest year before the loss in which most of the patch was seen: loss is dated from there."""
    year = int(patch["year"])
    for before in (y for y in reversed(run.years("forest")) if y < year):
        code, grid = square(run.path / f"forest/{before}.tif", *_around(patch))
        within = rasterize([patch["geometry"]], [1], grid) == 1
        if within.any() and (code[within] != UNKNOWN).mean() >= _MOST:
            return before
    return year - 1


def _between(before: int, year: int) -> str:
    """Say between which seasons forest was lost, and which seasons could have told more but were not seen."""
    unseen = span(list(range(before + 1, year)))
    return f"between the mapping seasons of {before} and {year}" + (f"; {unseen} was not seen here" if unseen else "")


def _around(patch: Any) -> tuple[tuple[float, float], float]:
    """Centre and side of the square that is shown of a patch."""
    west, south, east, north = patch["geometry"].bounds
    return ((west + east) / 2, (south + north) / 2), max(_CHIP_M, 1.7 * (east - west), 1.7 * (north - south))


def _chips(run: RunFolder, patch: Any, before: int) -> Inset | None:
    years = before, int(patch["year"])
    files = [run.file("composites", f"{year}.tif") for year in years]
    if files[0] is None or files[1] is None:
        return None
    (first, grid), (last, _) = chip(files[0], *_around(patch)), chip(files[1], *_around(patch))
    show = next((s for s in (("red", "green", "blue"), ("swir16", "nir08", "red")) if {*s} <= {*first, *last}), None)
    if show is None:
        return None
    labels = (str(years[0]), str(years[1]))
    figure = before_after(first, last, grid, outline=patch["geometry"], labels=labels, show=show)
    colors = "true colour" if show[0] == "red" else "infrared colours"
    alt = f"Two satellite pictures of the place, {labels[0]} and {labels[1]}; the loss is outlined."
    return inset(figure, alt, f"In {colors}; the loss is outlined.")
