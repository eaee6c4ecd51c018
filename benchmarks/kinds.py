"""Tell what happened to patches of loss: train on simulated landscapes of seeds 0 to 39, score on 100 to 109.

    python -m benchmarks.kinds FOLDER [--fit]

Landscapes are those of the `hard` preset, 2.4 km, with all their looks: 230 to 270 in 13 years. They are made in FOLDER
if they are not there (half a minute each). Trained on are the patches of single events as they were, and what
trajectories of the summers find; scored on is what trajectories find alone, with all its errors of outline and date. A
patch is of the kind that took most crowns in it, between June of the year before and mid-September of the year called,
and is left out where less than half of it was damaged: that it is no loss is for others to say.

With `--fit` the weights are learnt anew and written to `habitat/change/_kind_weights.py`. Prints, and writes
`results/kinds.md`: F1 by kind, "don't know" counted as wrong, with limits from drawing landscapes again (2000 times);
what is taken for what; how often the verdicts with a name are right; and how far their probability is to be believed.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage

from habitat.change import (
    DONT_KNOW,
    TrajectorySettings,
    describe_patches,
    find_episodes,
    fit_trajectories,
    kind_of_loss,
    select_episode,
)
from habitat.change.losses import patch_numbers
from habitat.change.patches import ATTRIBUTES
from habitat.cubes import BANDS, Quality
from habitat.simulate import make_study

SIZE_KM = 2.4
TRAINED, SCORED = range(40), range(100, 110)
KINDS = ("clear cut", "selective cut", "fire", "insects or drought", "wind or flood", "building")
KIND_OF = {1: 0, 2: 1, 7: 2, 8: 2, 3: 3, 4: 4, 5: 4, 6: 5}
"""The simulator's codes of damage, as our kinds."""
NUMBER_OF = {DONT_KNOW: -1} | {kind: number for number, kind in enumerate(KINDS)}
YEARS = np.arange(2014, 2026)
SUMMER = (152, 258)
LEAST_FALL, FEWEST_PIXELS = 0.1, 4
STRENGTH, OF_TRUE = 0.1, 0.7
"""Inverse of the ridge on the weights, and what a patch as it was counts beside one that was found: chosen by leaving
out a fifth of the landscapes of seeds 0 to 39 after the other."""
_AROUND = np.array([[[0, 0, 0]] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0, 0, 0]] * 3], bool)
RESULTS = Path(__file__).parent / "results" / "kinds.md"
TABLE = Path(__file__).parents[1] / "habitat" / "change" / "_kind_weights.py"


def make_looks(folder: Path, seed: int, *, size_km: float = SIZE_KM) -> Path:
    """Simulate a landscape unless its file is there."""
    path = folder / f"{seed}.npz"
    if path.exists():
        return path
    study = make_study(preset="hard", size_km=size_km, seed=seed)
    looks, truth = study.take_looks(), study.losses
    assert truth is not None
    time = np.array([overpass.when.replace(tzinfo=None) for overpass in looks.overpasses], "datetime64[s]")
    np.savez(
        path,
        v=looks.reflectance,
        q=looks.quality,
        time=time,
        forest=truth.forest,
        code=truth.code,
        **{f"d_{name}": truth.rows[name].to_numpy() for name in truth.rows.columns},
    )
    return path


def read_looks(path: Path) -> tuple[xr.Dataset, np.ndarray, pd.DataFrame]:
    """Return the clear looks, where it was forest at first, and the damage."""
    with np.load(path) as file:
        values, marks = file["v"].astype(np.float32) / 10_000, file["q"]
        time, forest = file["time"].astype("datetime64[ns]"), file["forest"]
        damage = pd.DataFrame({name[2:]: file[name] for name in file.files if name.startswith("d_")})
    hidden = (marks & (Quality.CLOUD | Quality.SHADOW | Quality.CIRRUS)) > 0
    bad = ndimage.binary_dilation(hidden, _AROUND, iterations=2) | ((marks & (Quality.SNOW | Quality.FILL)) > 0)
    order = np.argsort(time, kind="stable")
    data = {band: (("time", "y", "x"), np.where(bad, np.nan, values[:, k])[order]) for k, band in enumerate(BANDS)}
    data["quality"] = (("time", "y", "x"), np.where(bad, marks, 0)[order])
    return xr.Dataset(data, coords={"time": time[order]}), forest, damage


def found_patches(stack: xr.Dataset, forest: np.ndarray, damage: pd.DataFrame) -> pd.DataFrame:
    """Describe what trajectories of the summers call, with the kind that it truly is (-1 = mostly no damage).

    `purity` is the share of the crowns taken that this kind took.
    """
    fit = fit_trajectories(_summers(stack), settings=TrajectorySettings())
    greatest = select_episode(find_episodes(fit, least_change=LEAST_FALL), "greatest")
    called = forest & (greatest["year"].values > 2016)
    year = np.where(called, greatest["year"].values, 0).astype(np.uint16)
    patches = patch_numbers(year)
    patches = np.where(np.bincount(patches.ravel())[patches] >= FEWEST_PIXELS, patches, 0)
    numbers = np.unique(patches[patches > 0])
    years = pd.Series({int(k): int(np.bincount(year[patches == k]).argmax()) for k in numbers})
    reference = forest & (fit["segments"].values == 1)
    table = describe_patches(stack, patches, years, reference=reference, pixel_m=20)
    row, col, kind = (damage[name].to_numpy() for name in ("row", "col", "kind"))
    labels, purity = [], []
    for number in table.index:
        first, last = np.datetime64(f"{years[number] - 1}-06-01"), np.datetime64(f"{years[number]}-09-16")
        own = (patches[row, col] == number) & (damage["share"] >= 0.1) & (damage["start"] < last)
        own &= damage["end"] >= first
        taken = np.bincount(kind[own], weights=damage["share"][own], minlength=9)
        covered = len(set(zip(row[own], col[own], strict=True))) / (patches == number).sum()
        by_kind = np.bincount(list(KIND_OF.values()), weights=taken[list(KIND_OF)], minlength=len(KINDS))
        labels.append(int(by_kind.argmax()) if covered >= 0.5 else -1)
        purity.append(by_kind.max() / max(float(by_kind.sum()), 1e-9))
    return table.assign(label=labels, purity=purity)


def _summers(stack: xr.Dataset) -> xr.Dataset:
    days = pd.DatetimeIndex(stack["time"].values)
    inside = [(days.year == y) & (days.day_of_year >= SUMMER[0]) & (days.day_of_year <= SUMMER[1]) for y in YEARS]
    nothing = np.full((stack.sizes["y"], stack.sizes["x"]), np.nan, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # pixels without a clear look
        bands = {
            band: np.stack([np.nanmedian(stack[band].values[k], axis=0) if k.any() else nothing for k in inside])
            for band in ("red", "nir08", "swir16", "swir22")
        }
    return xr.Dataset({name: (("year", "y", "x"), v) for name, v in bands.items()}, coords={"year": YEARS})


def true_patches(stack: xr.Dataset, forest: np.ndarray, damage: pd.DataFrame) -> pd.DataFrame:
    """Describe single events as they were; events that lie on each other are described one after the other."""
    untouched = forest.copy()
    untouched[damage["row"], damage["col"]] = False
    layers: list[tuple[np.ndarray, dict[int, int], list[int]]] = []
    for _, own in damage[damage["share"] >= 0.2].groupby("event"):
        day, kind = pd.Timestamp(own["start"].iloc[0]), int(own["kind"].iloc[0])
        shown = day + pd.Timedelta(days=200 if kind == 3 else 0)
        year = shown.year + (shown > pd.Timestamp(shown.year, 9, 1))
        if len(own) < FEWEST_PIXELS or not 2016 <= year <= 2025:
            continue
        place = (own["row"].to_numpy(), own["col"].to_numpy())
        layer = next((layer for layer in layers if not layer[0][place].any()), None)
        if layer is None:
            layer = (np.zeros(forest.shape, int), {}, [])
            layers.append(layer)
        layer[0][place] = len(layer[2]) + 1
        layer[1][len(layer[2]) + 1] = year
        layer[2].append(KIND_OF[kind])
    tables = [
        describe_patches(stack, patches, pd.Series(years), reference=untouched, pixel_m=20).assign(label=labels)
        for patches, years, labels in layers
    ]
    return pd.concat(tables)


def fit(training: pd.DataFrame) -> str:
    """Return the module of weights learnt from described patches with `label`, and `weight` if they differ in it."""
    from sklearn.linear_model import LogisticRegression

    values, labels = training[list(ATTRIBUTES)].to_numpy(float), training["label"].to_numpy()
    fill = np.nanmedian(values, axis=0)
    whole = np.where(np.isnan(values), fill, values)
    centre, spread = whole.mean(axis=0), whole.std(axis=0)
    units = (whole - centre) / spread
    count = np.bincount(labels, minlength=len(KINDS))
    each = training["weight"].to_numpy() if "weight" in training else np.ones(len(training))
    model = LogisticRegression(C=STRENGTH, max_iter=5000)
    model.fit(np.clip(units, -3, 3), labels, sample_weight=each * np.sqrt(len(labels) / len(KINDS) / count)[labels])
    farthest = np.quantile(np.sqrt(np.nanmean(np.where(np.isnan(values), np.nan, units**2), axis=1)), 0.995)

    def numbers(row: np.ndarray) -> str:
        return "(" + ", ".join(f"{value:.4g}" for value in row) + ")"

    rows = np.column_stack([model.intercept_, model.coef_])
    return "\n".join(
        [
            f'"""Weights of the model of kinds, written by `benchmarks/kinds.py --fit`: {len(training)} patches."""',
            "",
            "# fmt: off",
            "# ruff: noqa: E501",
            f"KINDS = {KINDS}".replace("'", '"'),
            f"PRIOR = {numbers(np.sqrt(count) / np.sqrt(count).sum())}",
            '"""By kind: how much of the training it was, by the root of its patches."""',
            f"FILL = {numbers(fill)}",
            '"""By attribute: what stands for one that was not seen."""',
            f"CENTRE = {numbers(centre)}",
            f"SPREAD = {numbers(spread)}",
            f"FARTHEST = {farthest:.4g}",
            '"""Root mean square of the attributes, in standard units, that 99.5% of the training stays within."""',
            "WEIGHTS = (",
            *(f"    {numbers(row)},  # {kind}" for row, kind in zip(rows, KINDS, strict=True)),
            ")",
            '"""By kind: a constant, and the weight of each attribute in standard units."""',
            "",
        ]
    )


def f1_by_kind(true: np.ndarray, said: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """F1 of each of the kinds (numbers, -1 = don't know), where a patch counts `weight` times."""
    both, asked, given = (
        np.array([weight[chosen(k)].sum() for k in range(len(KINDS))], float)
        for chosen in (lambda k: (true == k) & (said == k), lambda k: true == k, lambda k: said == k)
    )
    return 2 * both / np.maximum(asked + given, 1e-9)


def report(found: pd.DataFrame, *, draws: int = 2000) -> str:
    """Return the page on described patches, with `label` and `seed`, of landscapes that were not trained on."""
    told = kind_of_loss(found)
    true = found["label"].to_numpy()
    said = told["kind"].map(NUMBER_OF).to_numpy(int)
    scores = f1_by_kind(true, said, np.ones(len(true)))
    seeds, of = np.unique(found["seed"], return_inverse=True)
    rng = np.random.default_rng(0)
    drawn = [np.bincount(rng.integers(0, len(seeds), len(seeds)), minlength=len(seeds))[of] for _ in range(draws)]
    again = np.array([f1_by_kind(true, said, weight.astype(float)) for weight in drawn])
    low, high = np.quantile(again, (0.025, 0.975), axis=0)
    lines = ["| kind | patches | F1 | limits (95%) | found | of those named so, true |", "|---|---|---|---|---|---|"]
    for k, kind in enumerate(KINDS):
        is_true, is_said = true == k, said == k
        both = int((is_true & is_said).sum())
        shares = f"{both / max(is_true.sum(), 1):.0%} | {both / max(is_said.sum(), 1):.0%}"
        lines.append(f"| {kind} | {is_true.sum()} | {scores[k]:.2f} | {low[k]:.2f}-{high[k]:.2f} | {shares} |")
    named, mean = said >= 0, again.mean(axis=1)
    lines += [
        "",
        f"Macro F1 {scores.mean():.3f} (95%: {np.quantile(mean, 0.025):.3f}-{np.quantile(mean, 0.975):.3f}), \"don't"
        f' know" counted as wrong. It is said of {1 - named.mean():.0%} of the patches; of the others'
        f" {(said == true)[named].mean():.0%} are named right. In {(found['purity'] < 0.9).mean():.0%} of the patches"
        " a second kind took more than a tenth of the crowns lost.",
        "",
        f"| truly \\ named | {' | '.join((*KINDS, DONT_KNOW))} |",
        "|---" * (len(KINDS) + 2) + "|",
        *(
            f"| {kind} | {' | '.join(str(int(((true == k) & (said == j)).sum())) for j in (*range(len(KINDS)), -1))} |"
            for k, kind in enumerate(KINDS)
        ),
        "",
        _calibration(told, said == true),
    ]
    return "\n".join(lines)


def _calibration(told: pd.DataFrame, right: np.ndarray) -> str:
    """How often verdicts with a name are right, by their probability."""
    named = (told["kind"] != DONT_KNOW).to_numpy()
    probability, right = told["probability"].to_numpy()[named], right[named]
    place = np.digitize(probability, (0.6, 0.8, 0.95))
    lines, off = ["| probability | patches | mean | right |", "|---|---|---|---|"], 0.0
    for k, name in enumerate(("below 0.6", "0.6-0.8", "0.8-0.95", "above 0.95")):
        if (own := place == k).any():
            lines.append(f"| {name} | {own.sum()} | {probability[own].mean():.2f} | {right[own].mean():.2f} |")
            off += own.mean() * abs(probability[own].mean() - right[own].mean())
    return "\n".join([*lines, "", f"Expected error of the probability (ECE, these four bins): {off:.3f}."])


def described(folder: Path, seed: int, *, true: bool = False, step: int = 1) -> pd.DataFrame:
    """Return the patches that are found on a landscape, and those of single events if `true`; `weight` in training.

    Of the looks each `step`-th is kept.
    """
    stack, *truth = read_looks(make_looks(folder, seed))
    looks = stack.isel(time=slice(None, None, step)), *truth
    parts = [found_patches(*looks).assign(weight=1.0)]
    if true:
        parts.append(true_patches(*looks).assign(weight=OF_TRUE))
    whole = pd.concat(parts).assign(seed=seed)
    return whole[whole["label"] >= 0]


def main(folder: Path, refit: bool) -> None:
    """Train if asked, score, print and write down."""
    warnings.simplefilter("ignore", RuntimeWarning)
    if refit:
        training = pd.concat([described(folder, seed, true=True) for seed in TRAINED])
        TABLE.write_text(fit(training), encoding="utf-8")
        sys.exit("weights written: run again without --fit to score them")
    found = pd.concat([described(folder, seed) for seed in SCORED])
    few = pd.concat([described(folder, seed, step=3) for seed in SCORED])
    told = kind_of_loss(few)["kind"].map(NUMBER_OF).to_numpy(int)
    with_few = f1_by_kind(few["label"].to_numpy(), told, np.ones(len(few))).mean()
    text = (
        "# What happened\n\n"
        "Made by `python -m benchmarks.kinds`, seeds 100 to 109 of the hard preset, all looks.\n\n"
        f"{report(found.reset_index(drop=True))}\n\n"
        f"With every third look, by the same weights: macro F1 {with_few:.3f} on {len(few)} patches.\n"
    )
    print(text)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--fit" in sys.argv)
