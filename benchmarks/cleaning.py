"""What leaving out doubtful labels does to a forest map, with planted errors and with none.

    python -m benchmarks.cleaning [SEED ...]

Landscapes, labels, blocks and the plain random forest are those of `features.py`, with bands, indices and terrain. Of
the sample's labels (about 2% are wrong as they come) a share is made wrong besides: *any* gives it a class at random,
*crossed* one of the other side, forest or not. Ways of cleaning: habitat's rule, the same without its guard (it
leaves out whatever is doubted), and confident learning over all classes (Northcutt et al. 2021: as likely another class
as that class usually is, and likelier than the label's own). Prints a table and writes `results/cleaning.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GroupKFold

from benchmarks.features import PLAIN, fitted, scores, training
from benchmarks.labelled import FOREST_CODES, Landscape, make_labelled
from habitat.forest import block_numbers, cleaning, doubtful_labels

NOISES = (("none", 0.0), ("any", 0.1), ("any", 0.2), ("crossed", 0.1), ("crossed", 0.2))
RESULTS = Path(__file__).parent / "results"


def spoilt(samples: pd.DataFrame, kind: str, share: float, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """The samples with planted errors, and which these are."""
    random = np.random.default_rng(seed)
    code = samples["code"].to_numpy()
    chosen = random.random(len(code)) < share
    forest = np.isin(code, FOREST_CODES)
    made = code.copy()
    if kind == "any":
        made[chosen] = random.choice(np.unique(code), chosen.sum())
    elif kind == "crossed":
        made[chosen & forest] = random.choice(code[~forest], (chosen & forest).sum())
        made[chosen & ~forest] = random.choice(code[forest], (chosen & ~forest).sum())
    return samples.assign(code=made), made != code


def confident(samples: pd.DataFrame, names: list[str], groups: np.ndarray) -> np.ndarray:
    """Confident learning over all classes."""
    classes, own = np.unique(samples["code"], return_inverse=True)
    table, said = samples[names].to_numpy(dtype=np.float32), np.zeros((len(samples), len(classes)))
    for train, test in GroupKFold(5).split(table, groups=groups):
        trees = ExtraTreesClassifier(60, min_samples_leaf=2, class_weight="balanced", random_state=1)
        trees.fit(table[train], own[train])
        said[np.ix_(test, trees.classes_)] = trees.predict_proba(table[test])
    everyone = np.arange(len(own))
    usual = np.array([said[own == k, k].mean() for k in range(len(classes))])
    sure = np.where(said >= usual, said, -1.0)
    sure[everyone, own] = -1.0
    return np.asarray(sure.max(axis=1) > said[everyone, own])


def study(land: Landscape, seed: int) -> pd.DataFrame:
    """Scores with each kind of noise and each way of cleaning."""
    names, rows = land.names(PLAIN), []
    for kind, share in NOISES:
        samples, wrong = spoilt(training(land), kind, share, seed)
        groups = block_numbers(samples, block_pixels=25)
        shown = samples[["row", "col", "year", "code", "dated", *names]]
        judging = {"forest_codes": FOREST_CODES, "groups": groups, "seed": 1}
        found = {"as they are": np.zeros(len(samples), dtype=bool), "habitat": doubtful_labels(shown, **judging)}
        if kind == "none":
            with patch.object(cleaning, "USUAL_SHARE", 0.0):
                found["habitat without its guard"] = doubtful_labels(shown, **judging)
        if (kind, share) in (NOISES[0], NOISES[-1]):
            found["confident learning"] = confident(samples, names, groups)
        for way, doubted in found.items():
            balanced, macro = scores(fitted(samples[~doubted], names), land, names)
            hits = (doubted & wrong).sum() / max(wrong.sum(), 1)
            rows.append((f"{kind}, {share:.0%}" if share else kind, way, balanced, macro, doubted.mean(), hits))
    return pd.DataFrame(rows, columns=["noise", "cleaning", "balanced", "macro", "left_out", "found"])


def tell(tables: list[pd.DataFrame], seeds: list[int]) -> str:
    """The means as a page of Markdown, and differences to labels as they are."""
    keys = ["noise", "cleaning"]
    each = pd.concat(tables, keys=seeds, names=["seed", "row"]).reset_index("seed")
    scored = ["balanced", "macro"]
    base = each[each["cleaning"] == "as they are"].set_index(["seed", "noise"])[scored]
    joined = each.join(base.rename(columns="{}_base".format), on=["seed", "noise"])
    for name in scored:
        joined[f"more_{name}"] = joined[name] - joined[f"{name}_base"]
    lines = ["# Leaving out doubtful labels", ""]
    lines += [
        f"Made by `python -m benchmarks.cleaning {' '.join(map(str, seeds))}`: means, differences ± standard error."
    ]
    lines += [
        "",
        "| errors planted | cleaning | balanced accuracy | macro F1 | more: accuracy | F1 | left out | errors found |",
    ]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for key, one in joined.groupby(keys, sort=False):
        more = [f"{one[f'more_{n}'].mean():+.4f} ± {one[f'more_{n}'].sem():.4f}" for n in ("balanced", "macro")]
        cells = [*key, f"{one['balanced'].mean():.4f}", f"{one['macro'].mean():.4f}", *more]
        cells += [f"{one['left_out'].mean():.1%}", f"{one['found'].mean():.0%}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def main(seeds: list[int]) -> None:
    """Write the page after each landscape, and print it at the end."""
    tables: list[pd.DataFrame] = []
    for seed in seeds:
        tables.append(study(make_labelled(seed), seed))
        page = tell(tables, seeds[: len(tables)])
        (RESULTS / "cleaning.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or list(range(10)))
