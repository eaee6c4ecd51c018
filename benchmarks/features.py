"""What each group of predictors adds to a forest map, and what becomes of it with seasons, labels or looks missing.

    python -m benchmarks.features [SEED ...]

Landscapes of the full legend, 3 km, four years, seeds 0 to 9 unless others are named. A plain random forest of
scikit-learn (50 trees, two samples in a leaf, classes weighted) learns from the sample's labels on two thirds of the
blocks of land, and is judged on pixels of the others, one in six, edges and all, in every year. No step makes the
years consistent. Differences come with their standard error over landscapes.

1. Groups of predictors, alone and together, from bands and indices on.
2. A season that one year lacks: as it is; trained with copies that lack a season too; or filled from the pixel's
   nearest year that has it. Without harmonics, which would have to be fitted again.
3. Labels of one year only: how well the others are mapped.
4. The same ground seen four and 24 times a year, by a model that learnt from twelve (the first landscape alone).

Prints tables and writes `results/features.md`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from benchmarks.labelled import Landscape, judge, likeliest, make_labelled
from habitat.forest import with_missing_seasons
from habitat.simulate.presets import find_preset

SETS = {
    "bands, indices": ("bands", "indices"),
    "+ harmonics": ("bands", "indices", "harmonics"),
    "+ terrain": ("bands", "indices", "terrain"),
    "+ texture": ("bands", "indices", "texture"),
    "+ harmonics, terrain": ("bands", "indices", "harmonics", "terrain"),
}
BASE = "bands, indices"
CHOSEN = ("bands", "indices", "harmonics")
PLAIN = ("bands", "indices", "terrain")
LEFT_OUT = 0
THINNED = 6
RESULTS = Path(__file__).parent / "results"

Score = tuple[float, float]
Fill = Callable[[Landscape, np.ndarray, str], np.ndarray]


def fitted(samples: pd.DataFrame, names: list[str], trees: int = 50) -> RandomForestClassifier:
    """A plain random forest."""
    forest = RandomForestClassifier(trees, min_samples_leaf=2, class_weight="balanced_subsample", random_state=1)
    return forest.fit(samples[names].to_numpy(dtype=np.float32), samples["code"].to_numpy())


def training(land: Landscape) -> pd.DataFrame:
    """Labels of the blocks that are not left out."""
    samples = land.samples()
    return samples[land.fold_of(samples["row"], samples["col"]) != LEFT_OUT].reset_index(drop=True)


def scores(forest: RandomForestClassifier, land: Landscape, names: list[str], years: list[int] | None = None) -> Score:
    """Mean over years on the blocks that were left out."""
    rows, cols = np.indices((land.side, land.side)).reshape(2, -1)
    judged = np.flatnonzero(land.fold_of(rows, cols) == LEFT_OUT)[::THINNED]
    found = []
    for at in range(len(land.years)) if years is None else years:
        table = np.stack([land.features[name].values[at].reshape(-1)[judged] for name in names], axis=1)
        seen = np.isfinite(table).any(axis=1)
        said = likeliest(forest.predict_proba(table[seen]), forest.classes_)
        found.append(judge(land.code[at].reshape(-1)[judged][seen], said))
    return tuple(np.mean(found, axis=0).tolist())


def copied(samples: pd.DataFrame) -> pd.DataFrame:
    """The samples with copies that lack a season."""
    return with_missing_seasons(samples)


def by_groups(land: Landscape) -> dict[str, Score]:
    """Scores of every set of groups."""
    samples = training(land)
    found = {}
    for title, groups in SETS.items():
        names = land.names(groups)
        found[title] = scores(fitted(samples, names), land, names)
    names = land.names(CHOSEN)
    return found | {
        "+ harmonics, terrain; copies that lack a season": scores(fitted(copied(samples), names), land, names)
    }


# -- a season that is missing ---------------------------------------------------------------------------


def without_season(land: Landscape, season: str, at: int, fill: bool) -> Landscape:
    """The landscape as if one year lacked a season; or with that of the nearest other year in its place."""
    features = land.features.copy()
    beside = at + 1 if at + 1 < len(land.years) else at - 1
    for name in features.data_vars:
        if str(name).endswith(f"_{season}"):
            values = features[name].values.copy()
            values[at] = np.where(
                np.isnan(features["nir08_mapping"].values[at]), np.nan, values[beside] if fill else np.nan
            )
            features[name] = (features[name].dims, values)
    return Landscape(land.years, features, land.code, land.labels)


def by_season(land: Landscape) -> dict[str, Score]:
    """Scores of the year that lacks a season, in each way of dealing with it; training never saw that year's lack."""
    names, samples, at = land.names(PLAIN), training(land), 1
    others = ["leaf_off", "autumn"]
    samples = samples[samples["year"] != land.years[at]]
    plain, dropped = fitted(samples, names), fitted(copied(samples), names)
    found = {
        "all seasons": scores(plain, land, names, [at]),
        "all seasons, copies": scores(dropped, land, names, [at]),
    }
    for season in others:
        bare, filled = (without_season(land, season, at, fill) for fill in (False, True))
        found[f"no {season}, as it is"] = scores(plain, bare, names, [at])
        found[f"no {season}, copies"] = scores(dropped, bare, names, [at])
        found[f"no {season}, next year's"] = scores(plain, filled, names, [at])
    return found


# -- labels of one year, and other numbers of looks -----------------------------------------------------


def by_label_year(land: Landscape) -> dict[str, Score]:
    """Other years' scores with labels of one year, of as many labels of all years, and of all labels."""
    samples, found = training(land), {}
    for title, groups in (("bands, indices", SETS[BASE]), ("chosen groups", CHOSEN)):
        names, each = land.names(groups), {"one year": [], "one year, copies": [], "as many of all years": []}
        for at, year in enumerate(land.years[:2]):
            others = [k for k in range(len(land.years)) if k != at]
            of_year = samples[samples["year"] == year]
            each["one year"].append(scores(fitted(of_year, names), land, names, others))
            each["one year, copies"].append(scores(fitted(copied(of_year), names), land, names, others))
            mixed = samples.sample(len(of_year), random_state=1)
            each["as many of all years"].append(scores(fitted(mixed, names), land, names, others))
        found |= {f"{title}: {kind}": tuple(np.mean(values, axis=0).tolist()) for kind, values in each.items()}
    return found


def by_looks(seed: int) -> dict[str, Score]:
    """Scores of a model that learnt from twelve looks a year on the same ground seen more or less often."""
    preset, years = find_preset("full"), range(2018, 2020)
    found: dict[str, Score] = {}
    learnt = make_labelled(seed, years=years)
    seen = {looks: make_labelled(seed, years=years, preset=preset.with_looks(looks)) for looks in (4, 24)}
    for title, groups in (("bands, indices", SETS[BASE]), ("chosen groups", CHOSEN)):
        names = learnt.names(groups)
        forest = fitted(training(learnt), names)
        for looks, land in ((4, seen[4]), (12, learnt), (24, seen[24])):
            found[f"{title}: {looks} looks"] = scores(forest, land, names)
            found[f"{title}: {looks} looks, learnt from as many"] = scores(fitted(training(land), names), land, names)
    return found


# -- telling --------------------------------------------------------------------------------------------


def table(title: str, each: list[dict[str, Score]], base: str | None) -> list[str]:
    """Means over landscapes, and differences to one row."""
    lines = [
        "",
        f"## {title}",
        "",
        "| | balanced accuracy | macro F1 | minus the first: accuracy | F1 |",
        "|---|---|---|---|---|",
    ]
    for name in each[0]:
        values = np.array([one[name] for one in each])
        apart = values - np.array([one[base or next(iter(each[0]))] for one in each])
        error = apart.std(axis=0, ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.full(2, np.nan)
        cells = [f"{mean:+.4f} ± {se:.4f}" for mean, se in zip(apart.mean(axis=0), error, strict=True)]
        lines.append(f"| {name} | {values[:, 0].mean():.4f} | {values[:, 1].mean():.4f} | {cells[0]} | {cells[1]} |")
    return lines


def main(seeds: list[int]) -> None:
    """Write the page after each landscape, and print it at the end."""
    studies: dict[str, list[dict[str, Score]]] = {"groups": [], "season": [], "label year": [], "looks": []}
    for number, seed in enumerate(seeds):
        started = time.process_time()
        land = make_labelled(seed)
        studies["groups"].append(by_groups(land))
        studies["season"].append(by_season(land))
        studies["label year"].append(by_label_year(land))
        if number < 1:
            studies["looks"].append(by_looks(seed))
        print(seed, studies["groups"][-1]["+ harmonics, terrain"], f"{time.process_time() - started:.0f} s")
        page = tell(studies, seeds[: number + 1])
        (RESULTS / "features.md").write_text(page, encoding="utf-8")
    print(page)


def tell(studies: dict[str, list[dict[str, Score]]], seeds: list[int]) -> str:
    """The tables as a page of Markdown."""
    made = f"Made by `python -m benchmarks.features {' '.join(map(str, seeds))}`"
    lines = ["# What each group of predictors adds", "", f"{made}: means over landscapes, ± standard errors."]
    lines += table("Groups of predictors", studies["groups"], BASE)
    lines += table("A year that lacks a season", studies["season"], None)
    lines += table("Other years than that of the labels", studies["label year"], None)
    lines += table("Looks a year, of a model that learnt from twelve", studies["looks"], None)
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or list(range(10)))
