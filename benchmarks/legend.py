"""How well a plain random forest tells the simulator's full legend apart: what `Preset.spread` was set by.

    python benchmarks/legend.py [SPREAD ...]

Seeds 0 to 4 of the preset `full`, 3 x 3 km, the years 2018 and 2019. The peer is scikit-learn's RandomForestClassifier
as it comes, with 100 trees, on the medians of all looks that the product calls clear, by band and season (15 March to
30 April, May, June to 15 September, 16 September to October) of the same year; a season without looks stays missing. It
learns from 8,000 pixels of half the blocks of 300 m and is scored on up to 30,000 pixels of the others, edges
included. Nothing of habitat's own maps is used here: the yardstick is set on a peer. Prints a table and, without
arguments, writes `results/legend.md`.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score

from habitat.cubes import BANDS, Quality
from habitat.legend import DEFAULT_LEGEND
from habitat.simulate import PRESETS, Looks, Study, make_study

SEEDS, SPREADS = range(5), (PRESETS["full"].spread,)
SIZE_KM, YEARS = 3.0, range(2018, 2020)
SEASONS = (((3, 15), (4, 30)), ((5, 1), (5, 31)), ((6, 1), (9, 15)), ((9, 16), (10, 31)))
SPOILT = Quality.CLOUD | Quality.SHADOW | Quality.CIRRUS | Quality.SNOW | Quality.SATURATED | Quality.FILL
BLOCK, LEARNT, SCORED, TREES = 15, 8_000, 30_000, 100
RESULTS = Path(__file__).parent / "results"


def seasonal_medians(looks: Looks, years: range) -> np.ndarray:
    """Return the peer's predictors, float32 (year x y x x, season x band), NaN = not seen."""
    stack = looks.stack()
    clear = (stack["quality"].values & SPOILT) == 0
    days = [((o.when.month, o.when.day), o.when.year) for o in looks.overpasses]
    tables = []
    for year in years:
        columns = []
        for first, last in SEASONS:
            chosen = [k for k, (day, of_year) in enumerate(days) if of_year == year and first <= day <= last]
            for band in BANDS:
                seen = np.where(clear[chosen], stack[band].values[chosen], np.nan)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)  # a season without a clear look
                    columns.append((np.nanmedian(seen, axis=0) if chosen else np.full(clear.shape[1:], np.nan)).ravel())
        tables.append(np.stack(columns, axis=1))
    return np.concatenate(tables).astype(np.float32)


def score(study: Study, seed: int, *, learnt: int = LEARNT, trees: int = TREES) -> tuple[np.ndarray, float]:
    """Return the peer's F1 of each class on blocks that it never saw, and balanced accuracy of forest."""
    predictors = seasonal_medians(study.take_looks(), study.years)
    codes = study.truth.code.ravel()
    rng = np.random.default_rng(seed)
    rows, cols = (part // BLOCK for part in np.indices(study.truth.code.shape[1:]))
    of_block = rng.random((rows.max() + 1, cols.max() + 1)) < 0.5
    known = np.broadcast_to(of_block[rows, cols], study.truth.code.shape).ravel()
    sample, unseen = (
        rng.choice(np.flatnonzero(part), min(size, int(part.sum())), replace=False)
        for part, size in ((known, learnt), (~known, SCORED))
    )
    peer = RandomForestClassifier(trees, random_state=0, n_jobs=1).fit(predictors[sample], codes[sample])
    told, true = peer.predict(predictors[unseen]), codes[unseen]
    wood = DEFAULT_LEGEND.forest_codes
    said, is_forest = np.isin(told, wood), np.isin(true, wood)
    balanced = (said[is_forest].mean() + (~said[~is_forest]).mean()) / 2
    return f1_score(true, told, average=None, labels=list(study.preset.codes), zero_division=0), float(balanced)


def main() -> None:
    """Score every spread, print and write down."""
    spreads = [float(each) for each in sys.argv[1:]] or SPREADS
    codes = PRESETS["full"].codes
    lines = [
        "# A plain random forest on the full legend",
        "",
        "Made by `python benchmarks/legend.py`: F1 on unseen blocks, means of seeds 0 to 4 (and macro F1 of the worst",
        f"and the best seed). The preset `full` has a spread of {PRESETS['full'].spread:g}.",
        "",
        "| spread | " + " | ".join(map(str, codes)) + " | macro F1 | forest, balanced accuracy |",
        "|" + "---|" * (len(codes) + 3),
    ]
    for spread in spreads:
        preset = replace(PRESETS["full"], spread=spread)
        scores = [score(make_study(preset=preset, seed=s, size_km=SIZE_KM, years=YEARS), s) for s in SEEDS]
        of_class, balanced = (np.array(part) for part in zip(*scores, strict=True))
        macro = of_class.mean(axis=1)
        cells = [f"{spread:g}", *(f"{f:.2f}" for f in of_class.mean(axis=0))]
        cells += [f"{macro.mean():.3f} ({macro.min():.3f} to {macro.max():.3f})", f"{balanced.mean():.3f}"]
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
        if not sys.argv[1:]:
            (RESULTS / "legend.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
