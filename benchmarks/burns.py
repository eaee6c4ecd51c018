"""Which burnt ground is found, in the forest and outside it: landscapes of the `hard` preset, seeds 100 to 109.

    python -m benchmarks.burns FOLDER [SEED ...]

Landscapes are those of `benchmarks.kinds`, made in FOLDER if they are not there. A pixel of 20 m is burnt if fire went
over a quarter of it, whether or not it took crowns: most fires here keep to the ground. It is found if `find_burns`,
told forest from the rest and nothing else, dates a burn on it from the day of the fire to 60 days later. A burn called
is right if any of the pixel burned within the 60 days before. Limits are from drawing landscapes again, 2000 times.

Prints and writes `results/burns.md`. The rules were chosen on seeds 0 to 5.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.kinds import SIZE_KM, make_looks, read_looks
from habitat.change import find_burns
from habitat.indices import normalized_difference
from habitat.simulate import Study, make_study
from habitat.simulate.area import FINE_M, MARGIN_M
from habitat.simulate.classes import CROP
from habitat.simulate.climate import HarshClimate
from habitat.simulate.fields import block_mean

GROUNDS = ("forest", "open", "crop")
LEAST_TOUCHED, WITHIN_DAYS = 0.25, 60
FIRST = np.datetime64("2014-06-01")
"""Fires before it are not scored: no look is a year older."""
SEASONS = ("late spring", "other spring", "summer of drought", "other summer", "autumn")
"""To the middle of June; to the beginning of October; after it."""
SHARES = (-0.01, 0.05, 0.2, 0.4, 0.6, 1.0)
RESULTS = Path(__file__).parent / "results" / "burns.md"


class Scored(NamedTuple):
    """One landscape."""

    fires: pd.DataFrame
    """A row a fire and ground: month, pixels burnt, those with a clear look in time, those found."""
    calls: pd.DataFrame
    """A row a burn called: ground ("forest", "open", "crop"), right (bool), season (of :data:`SEASONS`)."""
    severity: pd.DataFrame
    """A row a burnt pixel of forest that was found: share of the crowns taken, dnbr, dnbr_year, severity."""
    pixels: dict[str, int]
    """How many there are of each ground."""
    years: dict[str, int]
    """In how many years there was each season."""


def burnt_ground(study: Study) -> dict[np.datetime64, np.ndarray]:
    """Return by day of fire the share of each pixel of 20 m that burned (y, x)."""
    assert study.losses is not None
    rim = MARGIN_M // FINE_M
    fires: dict[np.datetime64, np.ndarray] = {}
    for event in study.losses.events:
        if event.kind in ("fire", "ground fire"):
            touched = np.zeros(study.landscape.cover.shape, np.float32)
            touched[event.rows, event.cols] = event.touched
            share = block_mean(touched[rim:-rim, rim:-rim], 2)
            day = np.datetime64(event.start)
            fires[day] = fires.get(day, np.zeros_like(share)) + share
    return fires


def score(stack: xr.Dataset, forest: np.ndarray, damage: pd.DataFrame, study: Study) -> Scored:
    """Find the burns of one landscape and hold them against its fires."""
    assert study.losses is not None
    ground = np.where(forest, "forest", np.where(study.losses.code == CROP, "crop", "open"))
    burns = find_burns(stack, strata=forest.astype(np.uint8))
    date = burns["date"].values.astype("datetime64[D]")
    some, right = ~np.isnat(date), np.zeros(date.shape, bool)
    snow = normalized_difference(stack["green"].values, stack["swir16"].values) > -0.3
    clear = np.isfinite(stack["nir08"].values) & ~snow
    days = stack["time"].values.astype("datetime64[D]")
    rows, measured = [], []
    for day, share in burnt_ground(study).items():
        hit = some & (date >= day) & (date <= day + WITHIN_DAYS)
        right |= hit & (share > 0)
        if day < FIRST:
            continue
        burnt, got = share >= LEAST_TOUCHED, hit.any(axis=0)
        seen = clear[(days >= day) & (days <= day + WITHIN_DAYS)].any(axis=0)
        month = int(day.astype("datetime64[M]").astype(int) % 12 + 1)
        for kind in GROUNDS:
            here = burnt & (ground == kind)
            rows.append((kind, month, here.sum(), (here & seen).sum(), (here & got).sum()))
        own = damage[damage["kind"].isin((7, 8)) & (damage["start"].to_numpy().astype("datetime64[D]") == day)]
        at = own["row"].to_numpy(), own["col"].to_numpy()
        which = (hit.argmax(axis=0)[at], *at)
        values = {name: burns[name].values[which] for name in ("dnbr", "dnbr_year", "severity")}
        measured.append(pd.DataFrame({"share": own["share"].to_numpy()} | values)[got[at]])
    climate = study.ground.climate
    assert isinstance(climate, HarshClimate)
    year = date.astype("datetime64[Y]").astype(int) + 1970
    of_year = (date - date.astype("datetime64[Y]")).astype(int) + 1
    late, dry = np.isin(year, list(climate.late_days)), np.isin(year, list(climate.drought))
    which = [late & (of_year < 170), of_year < 170, dry & (of_year < 280), of_year < 280]
    season = np.select(which, SEASONS[:4], SEASONS[4])
    columns = {"ground": np.broadcast_to(ground, date.shape), "right": right, "season": season}
    calls = pd.DataFrame({name: values[some] for name, values in columns.items()})
    pixels = {name: int((ground == name).sum()) for name in GROUNDS}
    every = len(np.unique(days.astype("datetime64[Y]")))
    springs, summers = len(climate.late_days), len(climate.drought)
    years = dict(zip(SEASONS, (springs, every - springs, summers, every - summers, every), strict=True))
    fires = pd.DataFrame(rows, columns=["ground", "month", "burnt", "seen", "found"])
    return Scored(fires, calls, pd.concat(measured), pixels, years)


def shares(scored: Sequence[Scored], ground: str, *, draws: int = 2000) -> dict[str, tuple[float, float, float]]:
    """Return producer's accuracy, that of pixels with a clear look in time, and user's, each with its limits."""
    counts = []
    for one in scored:
        fires, calls = one.fires[one.fires["ground"] == ground], one.calls[one.calls["ground"] == ground]
        counts.append((*fires[["burnt", "seen", "found"]].sum(), len(calls), calls["right"].sum()))
    table = np.array(counts, float)
    rng = np.random.default_rng(0)
    sums = np.stack([table.sum(axis=0), *(table[rng.integers(0, len(table), len(table))].sum(0) for _ in range(draws))])
    ratios = {"producer's": (2, 0), "producer's, of those seen in time": (2, 1), "user's": (4, 3)}
    result = {}
    for name, (part, whole) in ratios.items():
        values = sums[:, part] / np.maximum(sums[:, whole], 1)
        low, high = np.quantile(values[1:], (0.025, 0.975)) if draws else (np.nan, np.nan)
        result[name] = (float(values[0]), float(low), float(high))
    return result


def report(scored: Sequence[Scored]) -> str:
    """Return the page."""
    lines = ["| | forest | open ground without fields |", "|---|---|---|"]
    both = [shares(scored, ground) for ground in GROUNDS[:2]]
    for name in both[0]:
        cells = (f"{value:.0%} ({low:.0%}-{high:.0%})" for value, low, high in (one[name] for one in both))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    fires = pd.concat([one.fires for one in scored])
    lines += ["", "| fires of | pixels of forest burnt | seen in time | found |", "|---|---|---|---|"]
    season = np.select([fires["month"] <= 4, fires["month"] <= 7], ["April", "May"], "October and November")
    for name in ("April", "May", "October and November"):
        burnt, seen, found = fires[(season == name) & (fires["ground"] == "forest")][["burnt", "seen", "found"]].sum()
        lines.append(f"| {name} | {burnt} | {seen / max(burnt, 1):.0%} | {found / max(burnt, 1):.0%} |")
    calls = pd.concat([one.calls for one in scored])
    lines += [
        "",
        f"| false burns in 1000 pixels and a season | {' | '.join(SEASONS)} | all, in ten years |",
        "|---" * (len(SEASONS) + 2) + "|",
    ]
    for ground in GROUNDS:
        false = calls[~calls["right"] & (calls["ground"] == ground)]
        asked = {season: sum(one.pixels[ground] * one.years[season] for one in scored) for season in SEASONS}
        rates = [1000 * (false["season"] == season).sum() / max(asked[season], 1) for season in SEASONS]
        whole = 10 * 1000 * len(false) / max(asked[SEASONS[4]], 1)
        lines.append(f"| {ground} | {' | '.join(f'{rate:.2f}' for rate in rates)} | {whole:.1f} |")
    severity = pd.concat([one.severity for one in scored]).dropna()
    rank = severity[["share", "dnbr", "dnbr_year"]].corr("spearman")["share"]
    lines += [
        "",
        "| crowns taken | pixels | median dNBR in weeks | a year on | class of severity above low |",
        "|---|---|---|---|---|",
    ]
    for group, own in severity.groupby(pd.cut(severity["share"], SHARES), observed=True):
        low, high = max(group.left, 0), group.right
        fall = f"{own['dnbr'].median():.3f} | {own['dnbr_year'].median():.3f}"
        lines.append(f"| {low:.0%}-{high:.0%} | {len(own)} | {fall} | {(own['severity'] > 1).mean():.0%} |")
    lines += [
        "",
        f"Rank correlation of the crowns taken with dNBR: {rank['dnbr']:.2f} within weeks, {rank['dnbr_year']:.2f} a"
        " year on, over single pixels.",
    ]
    return "\n".join(lines)


def main(folder: Path, seeds: Sequence[int]) -> None:
    """Score, print and write down."""
    warnings.simplefilter("ignore", RuntimeWarning)
    scored = []
    for seed in seeds:
        looks = read_looks(make_looks(folder, seed))
        scored.append(score(*looks, make_study(preset="hard", size_km=SIZE_KM, seed=seed)))
    text = (
        "# Burnt ground\n\n"
        f"Made by `python -m benchmarks.burns`, seeds {seeds[0]} to {seeds[-1]} of the hard preset, all looks.\n\n"
        f"{report(scored)}\n"
    )
    print(text)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or range(100, 110))
