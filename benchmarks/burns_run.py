"""Which burnt ground a whole run finds, maps of its own and all: landscapes of the `hard` preset, seeds 100 to 109.

    python -m benchmarks.burns_run FOLDER [SEED ...]

Each landscape of 2.4 km is written to FOLDER as scenes, labels and a recipe with `[change] burns = true`, unless it is
there, and run as far as change: ten years, all looks of an archive, clouds as the product's mask has them, forest and
fields as the run maps them. Scored as in `benchmarks.burns`: a pixel is burnt if fire went over a quarter of it, found
if `change/burns.parquet` has a burn on it from the day of the fire to 60 days later; a burn called is right if any of
the pixel burned within the 60 days before. Fires of the first year are not scored as missed: no look is a year older.
Ground is that of the truth before anything happened. Limits are from drawing landscapes again, 2000 times.

Prints and writes `results/burns_run.md`. Nothing was chosen on it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import habitat as hb
from benchmarks.burns import GROUNDS, LEAST_TOUCHED, WITHIN_DAYS, Scored, burnt_ground, shares
from benchmarks.kinds import SIZE_KM
from habitat.simulate import make_study
from habitat.simulate.classes import CROP
from habitat.store import read_raster

YEARS = range(2016, 2026)
FIRST = np.datetime64("2017-01-01")
RESULTS = Path(__file__).parent / "results" / "burns_run.md"


def run_land(folder: Path, seed: int) -> Path:
    """Write a landscape unless it is there, run it as far as change, and return the run's folder."""
    land = folder / f"hard_{seed}"
    recipe = land / "recipe.toml"
    if not recipe.exists():
        hb.write_sample(land, size_km=SIZE_KM, seed=seed, years=YEARS, preset="hard")
    text = recipe.read_text(encoding="utf-8")
    if "burns" not in text:
        recipe.write_text(text.replace("[change]\n", "[change]\nburns = true\n"), encoding="utf-8")
    hb.run_recipe(hb.read_recipe(recipe), until="change", workers=1)
    return land / "run"


def score(run: Path, seed: int) -> tuple[Scored, dict[str, float]]:
    """Hold a run's burns against the landscape's fires; and say which share of each ground was left out."""
    study = make_study(preset="hard", size_km=SIZE_KM, seed=seed, years=YEARS)
    assert study.losses is not None
    ground = np.where(study.losses.forest, "forest", np.where(study.losses.code == CROP, "crop", "open"))
    burns = pd.read_parquet(run / "change" / "burns.parquet")
    at = burns["row"].to_numpy(), burns["column"].to_numpy()
    date = burns["date"].to_numpy().astype("datetime64[D]")
    right, rows = np.zeros(len(burns), bool), []
    for day, share in burnt_ground(study).items():
        hit = (date >= day) & (date <= day + WITHIN_DAYS)
        right |= hit & (share[at] > 0)
        if day < FIRST:
            continue
        got = np.zeros(share.shape, bool)
        got[at[0][hit], at[1][hit]] = True
        month = int(day.astype("datetime64[M]").astype(int) % 12 + 1)
        for kind in GROUNDS:
            here = (share >= LEAST_TOUCHED) & (ground == kind)
            rows.append((kind, month, here.sum(), here.sum(), (here & got).sum()))
    fires = pd.DataFrame(rows, columns=["ground", "month", "burnt", "seen", "found"])
    calls = pd.DataFrame({"ground": ground[at], "right": right, "season": ""})
    out = read_raster(run / "change" / "burn_year.tif")[0][0] == 65535
    pixels = {name: int((ground == name).sum()) for name in GROUNDS}
    left = {name: float((out & (ground == name)).sum()) for name in GROUNDS}
    return Scored(fires, calls, pd.DataFrame(), pixels, {}), left


def report(scored: Sequence[Scored], left: Sequence[dict[str, float]]) -> str:
    """Return the page."""
    lines = ["| | forest | open ground without fields |", "|---|---|---|"]
    both = [shares(scored, ground) for ground in GROUNDS[:2]]
    for name in ("producer's", "user's"):
        cells = (f"{value:.0%} ({low:.0%}-{high:.0%})" for value, low, high in (one[name] for one in both))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    fires = pd.concat([one.fires for one in scored])
    lines += ["", "| fires of | pixels of forest burnt | found |", "|---|---|---|"]
    season = np.select([fires["month"] <= 4, fires["month"] <= 7], ["April", "May"], "October and November")
    for name in ("April", "May", "October and November"):
        burnt, found = fires[(season == name) & (fires["ground"] == "forest")][["burnt", "found"]].sum()
        lines.append(f"| {name} | {burnt} | {found / max(burnt, 1):.0%} |")
    lines += ["", "| ground | pixels | left out as field or not seen | false burns in 1000 pixels and ten years |"]
    lines.append("|---|---|---|---|")
    calls = pd.concat([one.calls for one in scored])
    for name in GROUNDS:
        pixels = sum(one.pixels[name] for one in scored)
        false = (~calls["right"] & (calls["ground"] == name)).sum()
        share = sum(one[name] for one in left) / max(pixels, 1)
        lines.append(f"| {name} | {pixels} | {share:.0%} | {1000 * false / max(pixels, 1):.1f} |")
    return "\n".join(lines)


def main(folder: Path, seeds: Sequence[int]) -> None:
    """Run, score, print and write down."""
    warnings.simplefilter("ignore", RuntimeWarning)
    scored, left = zip(*(score(run_land(folder, seed), seed) for seed in seeds), strict=True)
    text = (
        "# Burnt ground, as a run finds it\n\n"
        f"Made by `python -m benchmarks.burns_run`, seeds {seeds[0]} to {seeds[-1]} of the hard preset.\n\n"
        f"{report(scored, left)}\n"
    )
    print(text)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or range(100, 110))
