"""Maps, trajectories and breaks together: learn their weights on seeds below 10, judge them on others from 100 on.

    python -m benchmarks.combination FOLDER [--make | --fit] [--presets NAME ...] --seeds SEED ...

Landscapes of two presets are made in FOLDER if they are not there, and run to `map`: `standard`, 3 km, eight dates a
year from two sensors; `hard`, 1.2 km, all the looks of an archive, with losses of 20 to 100% of the crowns, droughts
and missed clouds. Truth is the year of the first loss by the words of the conventions: forest of 30% crown cover in one
mapping season and not in the next, so that a partial loss that leaves 30% is none.

With `--fit` weights are learnt by maximum likelihood of the conditional logit of `habitat/change/combination.py`, with
a ridge, every landscape counting alike, and written to `_combination_weights.py`. Prints, and writes
`results/combination.md`: by way of telling loss, F1, precision, recall, share of exact years, balanced over landscapes
of one preset, the expected calibration error of the probability of loss, by pixel, and the smallest and weakest that
is found.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from scipy.optimize import minimize

import habitat as hb
from benchmarks.score_sample import read
from habitat.change import LossEvidence, combine_evidence, dated_loss, settle_years, without_small_patches
from habitat.change.combination import loss_features
from habitat.change.losses import patch_numbers
from habitat.grids import Block
from habitat.workflow import evidence as sources_of

ONE_YEAR, LABELLED = ", one year", 2020
"""Ending of landscapes whose labels are all of one year, and that year."""
PRESETS = {"standard": 3.0, "hard": 1.2, f"standard{ONE_YEAR}": 3.0, f"hard{ONE_YEAR}": 1.2}
WAYS = (("maps", "trajectories"), ("maps", "breaks"), ("maps", "trajectories", "breaks"))
LOSSES = ("row", "column", "lower", "upper", "probability")
WEIGHT_TABLES = {
    "WEIGHTS": "By way of telling loss; see :func:`habitat.change.combination.loss_features`.",
    "ONE_YEAR": "The same where all labels were of one year.",
}
RIDGE = 1.0
MIN_HA = 0.5
HERE = Path(__file__).parent
TABLE = HERE.parent / "habitat" / "change" / "_combination_weights.py"
RESULTS = HERE / "results" / "combination.md"


class Case(NamedTuple):
    """One landscape."""

    evidence: LossEvidence
    truth: np.ndarray
    seconds: tuple[float, float, float]
    """Processor time of reading maps, of trajectories, of breaks."""
    scenes: int
    losses: pd.DataFrame
    """Breaks away from forest: row, column, lower, upper, probability."""
    ends: dict[int, np.datetime64]
    """Last day of each year's mapping season."""


def make_case(folder: Path, preset: str, seed: int) -> Case:
    """Simulate and run a landscape unless its file is there."""
    path = folder / f"{preset}_{seed}.npz"
    if not path.exists():
        _compute(folder / f"{preset}_{seed}", preset, seed, path)
    with np.load(path) as file:
        layers = (file[name] for name in ("years", "lost", "forest", "falls", "drops", "breaks", "looks"))
        evidence = LossEvidence(*layers, one_year=preset.endswith(ONE_YEAR))
        losses = pd.DataFrame({name: file[f"loss_{name}"] for name in LOSSES})
        ends = dict(zip(evidence.years.tolist(), file["ends"], strict=True))
        return Case(evidence, file["truth"], tuple(file["seconds"]), int(file["scenes"]), losses, ends)


def _compute(sample: Path, preset: str, seed: int, path: Path) -> None:
    if not (sample / "recipe.toml").exists():
        hb.write_sample(sample, size_km=PRESETS[preset], seed=seed, preset=preset.removesuffix(ONE_YEAR))
        if preset.endswith(ONE_YEAR):
            label_one_year(sample)
    text = (sample / "recipe.toml").read_text(encoding="utf-8")
    asked = '[change]\nevidence = ["maps", "trajectories", "breaks"]\n'
    if "evidence" not in text:
        (sample / "recipe.toml").write_text(text.replace("[change]\n", asked), encoding="utf-8")
    recipe = hb.read_recipe(sample / "recipe.toml")
    hb.run_recipe(recipe, until="map", workers=1)
    from concurrent.futures import ThreadPoolExecutor

    from habitat.workflow.context import Context
    from habitat.workflow.stages import open_run

    with ThreadPoolExecutor(1) as pool:
        context = Context(recipe=recipe, run=open_run(recipe), executor=pool)
        made, seconds = [], []
        whole = Block(0, slice(0, context.grid.shape.y), slice(0, context.grid.shape.x))
        for ways in (("maps",), ("maps", "trajectories"), ("maps", "breaks")):
            sources = sources_of.change_sources(context, ways)
            sources.evidence(whole)  # compiles
            begun = time.process_time()
            found, breaks = sources.evidence(whole)
            made.append(found)
            seconds.append(time.process_time() - begun)
        scenes = len(sources.scenes)
    losses = breaks[breaks["date"].notna()].assign(probability=breaks["loss_probability"])
    np.savez_compressed(
        path,
        years=made[0].years,
        lost=made[0].lost,
        forest=made[0].forest,
        falls=made[1].falls,
        drops=made[1].drops,
        breaks=made[2].breaks,
        looks=made[2].looks,
        truth=read(sample / "truth" / "loss_year.tif"),
        seconds=[seconds[0], seconds[1] - seconds[0], seconds[2] - seconds[0]],
        scenes=scenes,
        ends=sources.season_ends,
        **{f"loss_{name}": losses[name].to_numpy() for name in LOSSES},
    )


def label_one_year(sample: Path) -> None:
    """Give all of a sample's labels the date and the class of one summer."""
    points = gpd.read_file(sample / "training.gpkg")
    with rasterio.open(sample / "truth" / f"cover_{LABELLED}.tif") as file:
        codes = [int(value[0]) for value in file.sample(zip(points.geometry.x, points.geometry.y, strict=True))]
    points.assign(code=codes, date=f"{LABELLED}-07-15").to_file(sample / "training.gpkg", driver="GPKG")


def only(evidence: LossEvidence, ways: tuple[str, ...]) -> LossEvidence:
    """The part of the evidence that `ways` names."""
    without_falls = {} if "trajectories" in ways else {"falls": None, "drops": None}
    return replace(evidence, **without_falls, **({} if "breaks" in ways else {"breaks": None, "looks": None}))


def fit(cases: list[Case], ways: tuple[str, ...]) -> np.ndarray:
    """Weights that make the truth of the landscapes likeliest."""
    parts = []
    for case in cases:
        evidence = only(case.evidence, ways)
        again = evidence.seen_again
        known = again.any(axis=0)
        features = loss_features(evidence)[:, :, known].transpose(2, 1, 0)
        can, truth = again[:, known].T, case.truth[known]
        # what was lost in a year that was not seen shows in the next that was
        shows = can & (evidence.years[None] >= truth[:, None]) & (truth[:, None] > 0)
        target = np.where(shows.any(axis=1), shows.argmax(axis=1), -1)
        parts.append((features.astype(float), can, target))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total, slope = RIDGE * float(weights[1:] @ weights[1:]) / 1000, 2 * RIDGE * weights / 1000
        slope[0] = 0
        for features, can, target in parts:
            scores = np.where(can, features @ weights, -np.inf)
            top = np.maximum(scores.max(axis=1), 0)
            odds = np.exp(scores - top[:, None])
            whole = odds.sum(axis=1) + np.exp(-top)
            hit = target >= 0
            rows = np.flatnonzero(hit)
            chosen = np.zeros(len(target))
            chosen[hit] = scores[rows, target[hit]]
            total += float((np.log(whole) + top - chosen).mean()) * 100
            share = odds / whole[:, None]
            share[rows, target[hit]] -= 1
            slope += np.einsum("py,pyf->f", share, features) / len(target) * 100
        return total, slope

    start = np.zeros(parts[0][0].shape[2])
    start[1] = 1
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x


def judge(case: Case, ways: tuple[str, ...]) -> tuple[list[float], np.ndarray, np.ndarray]:
    """F1, precision, recall and exact years, small patches left out; probability and truth by pixel."""
    evidence = only(case.evidence, ways)
    if ways == ("maps",):
        loss = dated_loss(evidence.lost, np.isfinite(evidence.forest), evidence.years)
        probability = evidence.lost[-1]
    else:
        loss, probability = combine_evidence(evidence)
    if "breaks" in ways:
        loss, _ = settle_years(loss, case.losses, case.ends)
    loss = without_small_patches(loss, min_pixels=MIN_HA / 0.04).astype(int)
    true, found = case.truth.astype(int), loss
    is_true, is_found = (true > 0) & (true < 65535), (found > 0) & (found < 65535)
    hits = is_true & is_found
    figures = [
        2 * hits.sum() / max(is_true.sum() + is_found.sum(), 1),
        hits.sum() / max(is_found.sum(), 1),
        hits.sum() / max(is_true.sum(), 1),
        float((found == true)[hits].mean()) if hits.any() else np.nan,
    ]
    known = np.isfinite(probability)
    return figures, probability[known], is_true[known]


def calibration(said: np.ndarray, was: np.ndarray) -> tuple[float, list[tuple[float, float, int]]]:
    """Expected calibration error in ten bins, and by bin what was said, what was, and of how many."""
    place = np.minimum((said * 10).astype(int), 9)
    rows = [(said[place == k].mean(), was[place == k].mean(), int((place == k).sum())) for k in np.unique(place)]
    return sum(abs(a - b) * n for a, b, n in rows) / len(said), rows


def found_by_size(cases: list[Case]) -> str:
    """Share of lost pixels that maps and trajectories find, by the area of the true patch; smaller patches kept."""
    edges = (0.04, 0.12, 0.25, 0.5, 1, 2, 1000)
    area, hit = [], []
    for case in cases:
        numbers = patch_numbers(case.truth)
        loss = combine_evidence(only(case.evidence, WAYS[0]))[0]
        lost = numbers > 0
        area.append((np.bincount(numbers.ravel()) * 0.04)[numbers[lost]])
        hit.append(((loss > 0) & (loss < 65535))[lost])
    area, hit = np.concatenate(area), np.concatenate(hit)
    rows = [
        f"| {low:g} to {high:g} | {int(own.sum())} | {hit[own].mean():.2f} |"
        for low, high in pairwise(edges)
        if (own := (area >= low - 1e-9) & (area < high - 1e-9)).any()
    ]
    return "\n".join(["| true patch, ha | lost pixels | found |", "|---|---|---|", *rows])


def found_by_share(cases: list[Case], folders: list[Path]) -> str:
    """Share of damaged forest pixels that are called, by the share of crowns taken: by loss and by breaks."""
    edges = (0.2, 0.35, 0.5, 0.7, 0.9, 1.01)
    parts = []
    for case, folder in zip(cases, folders, strict=True):
        rows = pd.read_csv(folder / "truth" / "damage.csv", parse_dates=["start"])
        inside = (rows["start"] >= f"{case.evidence.years[1]}-01-01") & (
            rows["start"] < f"{case.evidence.years[-1]}-07-01"
        )
        forest = np.nan_to_num(case.evidence.forest[0])[rows["row"], rows["col"]] >= 0.5
        rows = rows[inside & forest].sort_values("share").drop_duplicates(["row", "col"], keep="last")
        at = rows["row"].to_numpy(), rows["col"].to_numpy()
        loss = combine_evidence(only(case.evidence, WAYS[0]))[0]
        breaks = np.nan_to_num(case.evidence.breaks).max(axis=0) >= 0.7
        told = {"loss": ((loss > 0) & (loss < 65535))[at], "break": breaks[at]}
        parts.append(rows.assign(**told))
    whole = pd.concat(parts)
    by = whole.groupby(pd.cut(whole["share"], edges, right=False), observed=True)
    rows = [f"| {band} | {len(own)} | {own['loss'].mean():.2f} | {own['break'].mean():.2f} |" for band, own in by]
    heads = ["| crowns taken | damaged pixels | called a loss (maps, trajectories) | has a break of 0.7 and more |"]
    return "\n".join([*heads, "|---" * 4 + "|", *rows])


def table(found: dict[str, dict[tuple[str, ...], np.ndarray]], seeds: list[int]) -> str:
    """The module of weights."""
    head = '"""Weights of maps, trajectories and breaks, written by `benchmarks/combination.py --fit`.'
    lines = [head, "", f"Learnt on standard and hard landscapes of seeds {seeds[0]} to {seeds[-1]}.", '"""', ""]
    for name, said in WEIGHT_TABLES.items():
        lines.append(f"{name} = {{")
        for ways, values in found[name].items():
            numbers = ", ".join(f"{value:.3f}" for value in values)
            lines.append(f"    {ways}: ({numbers}),".replace("'", '"'))
        lines += ["}", f'"""{said}"""']
    return "\n".join([*lines, ""])


def report(folder: Path, seeds: list[int]) -> str:
    """The page."""
    said = [
        "# Maps, trajectories and breaks together",
        f"Made by `python -m benchmarks.combination`, seeds {seeds[0]} to {seeds[-1]}, with weights learnt on the "
        "landscapes that `habitat/change/_combination_weights.py` names; means of landscapes. "
        f"Patches below {MIN_HA} ha are left out, as a recipe does.",
    ]
    for preset in PRESETS:
        cases = [make_case(folder, preset, seed) for seed in seeds]
        rows = [
            "| told from | F1 | true of those called | found | exact year | calibration error |",
            "|---|---|---|---|---|---|",
        ]
        bins = []
        for ways in (("maps",), *WAYS):
            found = [judge(case, ways) for case in cases]
            mean = np.nanmean([figures for figures, _, _ in found], axis=0)
            error, by_bin = calibration(*(np.concatenate([part[k] for part in found]) for k in (1, 2)))
            rows.append(f"| {', '.join(ways)} | " + " | ".join(f"{v:.3f}" for v in mean) + f" | {error:.4f} |")
            bins.append(f"{', '.join(ways)}: " + ", ".join(f"{a:.2f} said, {b:.2f} was ({n})" for a, b, n in by_bin))
        pixels = sum(case.truth.size for case in cases)
        looks = sum(case.truth.size * case.scenes for case in cases)
        cost = np.sum([case.seconds for case in cases], axis=0)
        lost = sum(int((case.truth > 0).sum()) for case in cases)
        folders = [folder / f"{preset}_{seed}" for seed in seeds]
        weakest = [found_by_share(cases, folders)] if preset == "hard" else []
        said += [
            f"## {preset}",
            f"{len(cases)} landscapes, {pixels:,} pixels, {lost:,} of them lost, {looks // pixels} scenes a pixel.",
            "\n".join(rows),
            found_by_size(cases),
            *weakest,
            "By probability of loss:\n\n" + "\n".join(f"- {line}" for line in bins),
            f"Processor time a million pixels: maps {cost[0] / pixels * 1e6:.1f} s, trajectories "
            f"{cost[1] / pixels * 1e6:.1f} s, breaks {cost[2] / pixels * 1e6:.0f} s ({cost[2] / looks * 1e6:.2f} s a "
            "scene), reading and masking included.",
        ]
    return "\n\n".join(said) + "\n"


def main() -> None:
    """Fit if asked, and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--make", action="store_true", help="only make the landscapes")
    parser.add_argument("--presets", nargs="*", default=list(PRESETS))
    parser.add_argument("--seeds", type=int, nargs="*", default=list(range(100, 110)))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.make:
        for seed in options.seeds:
            for preset in options.presets:
                case = make_case(options.folder, preset, seed)
                print(preset, seed, case.truth.shape, case.scenes, np.round(case.seconds, 1), flush=True)
        return
    if options.fit:
        cases = [make_case(options.folder, preset, seed) for seed in options.seeds for preset in PRESETS]
        found = {}
        for name in WEIGHT_TABLES:
            own = [case for case in cases if case.evidence.one_year == (name == "ONE_YEAR")]
            found[name] = {ways: fit(own, ways) for ways in WAYS}
        TABLE.write_text(table(found, options.seeds), encoding="utf-8")
        print(TABLE.read_text(encoding="utf-8"))
        return
    text = report(options.folder, options.seeds)
    print(text)
    if min(options.seeds) >= 100:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
