"""Tell what happened to patches of loss: train on simulated landscapes of seeds 0 to 9, score on 100 to 109.

    python -m benchmarks.kinds FOLDER [--fit]

Landscapes are those of the `hard` preset, 2.4 km, of which every third look is kept: 90 to 120 in 13 years. They are
made in FOLDER if they are not there (a minute each). Trained on are the patches of single events as they were, and what
trajectories of the summers find; scored on is what trajectories find alone, with all its errors of outline and date. A
patch is of the kind that took most crowns in it, between June of the year before and mid-September of the year called,
and is left out where less than half of it was damaged: that it is no loss is for others to say.

With `--fit` the weights are learnt anew and written to `habitat/change/_kind_weights.py`. Prints, and writes
`results/kinds.md`: F1 by kind, "don't know" counted as wrong, and how often the verdicts with a name are right.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage

from habitat.change import TrajectorySettings, describe_patches, find_episodes, fit_trajectories, select_episode
from habitat.change.losses import patch_numbers
from habitat.change.patches import ATTRIBUTES
from habitat.cubes import BANDS, Quality

SIZE_KM, STEP = 2.4, 3
KINDS = ("clear cut", "selective cut", "fire", "insects or drought", "wind or flood", "building")
KIND_OF = {1: 0, 2: 1, 7: 2, 8: 2, 3: 3, 4: 4, 5: 4, 6: 5}
"""The simulator's codes of damage, as our kinds."""
YEARS = np.arange(2014, 2026)
SUMMER = (152, 258)
LEAST_FALL, FEWEST_PIXELS = 0.1, 4
STRENGTH = 0.3
"""Inverse of the ridge on the weights, chosen by leaving out one landscape of seeds 0 to 9 after the other."""
_AROUND = np.array([[[0, 0, 0]] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0, 0, 0]] * 3], bool)
RESULTS = Path(__file__).parent / "results" / "kinds.md"
TABLE = Path(__file__).parents[1] / "habitat" / "change" / "_kind_weights.py"


def make_looks(folder: Path, seed: int) -> Path:
    """Simulate a landscape unless its file is there."""
    path = folder / f"{seed}.npz"
    if path.exists():
        return path
    from habitat.simulate import dense

    whole = dense.make_world

    def thinned(*given: object) -> object:
        world = whole(*given)
        return replace(world, overpasses=world.overpasses[::STEP])

    dense.make_world = thinned
    try:
        sample = dense.simulate_dense(size_km=SIZE_KM, seed=seed)
    finally:
        dense.make_world = whole
    looks, rows = sample.looks, sample.truth.rows
    np.savez(
        path,
        v=np.round(np.stack([looks[band].values for band in BANDS]) * 10_000).astype(np.int16),
        q=looks["quality"].values,
        time=looks["time"].values,
        forest=sample.truth.forest,
        **{f"d_{name}": rows[name].to_numpy() for name in rows.columns},
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
    values[:, bad] = np.nan
    order = np.argsort(time, kind="stable")
    data = {band: (("time", "y", "x"), v[order]) for band, v in zip(BANDS, values, strict=True)}
    data["quality"] = (("time", "y", "x"), np.where(bad, marks, 0)[order])
    return xr.Dataset(data, coords={"time": time[order]}), forest, damage


def found_patches(stack: xr.Dataset, forest: np.ndarray, damage: pd.DataFrame) -> pd.DataFrame:
    """Describe what trajectories of the summers call, with the kind that it truly is (-1 = mostly no damage)."""
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
    labels = []
    for number in table.index:
        first, last = np.datetime64(f"{years[number] - 1}-06-01"), np.datetime64(f"{years[number]}-09-16")
        own = (patches[row, col] == number) & (damage["share"] >= 0.1) & (damage["start"] < last)
        own &= damage["end"] >= first
        taken = np.bincount(kind[own], weights=damage["share"][own], minlength=9)
        covered = len(set(zip(row[own], col[own], strict=True))) / (patches == number).sum()
        labels.append(KIND_OF[int(taken.argmax())] if covered >= 0.5 else -1)
    return table.assign(label=labels)


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
    """Return the module of weights learnt from described patches."""
    from sklearn.linear_model import LogisticRegression

    values = training[list(ATTRIBUTES)].to_numpy(float)
    fill = np.nanmedian(values, axis=0)
    whole = np.where(np.isnan(values), fill, values)
    centre, spread = whole.mean(axis=0), whole.std(axis=0)
    units = (whole - centre) / spread
    model = LogisticRegression(C=STRENGTH, max_iter=5000, class_weight="balanced")
    model.fit(np.clip(units, -3, 3), training["label"])
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


def report(found: pd.DataFrame) -> str:
    """Return the page on described patches of landscapes that were not trained on."""
    from habitat.change import DONT_KNOW, kind_of_loss

    said = kind_of_loss(found)
    true = found["label"].map(dict(enumerate(KINDS)))
    lines = ["| kind | patches | F1 | found | of those named so, true |", "|---|---|---|---|---|"]
    scores = []
    for kind in KINDS:
        is_true, is_said = (true == kind).to_numpy(), (said["kind"] == kind).to_numpy()
        both = int((is_true & is_said).sum())
        f1 = 2 * both / max(int(is_true.sum() + is_said.sum()), 1)
        scores.append(f1)
        found_share, right = both / max(int(is_true.sum()), 1), both / max(int(is_said.sum()), 1)
        lines.append(f"| {kind} | {is_true.sum()} | {f1:.2f} | {found_share:.0%} | {right:.0%} |")
    named = (said["kind"] != DONT_KNOW).to_numpy()
    right = (said["kind"].to_numpy() == true.to_numpy())[named].mean()
    lines += [
        "",
        f'Macro F1 {np.mean(scores):.3f}, "don\'t know" counted as wrong. It is said of {1 - named.mean():.0%} of the'
        f" patches; of the others {right:.0%} are named right.",
    ]
    return "\n".join(lines)


def main(folder: Path, refit: bool) -> None:
    """Train if asked, score, print and write down."""
    warnings.simplefilter("ignore", RuntimeWarning)
    if refit:
        parts = []
        for seed in range(10):
            looks = read_looks(make_looks(folder, seed))
            parts += [true_patches(*looks), found_patches(*looks)]
        training = pd.concat(parts)
        TABLE.write_text(fit(training[training["label"] >= 0]), encoding="utf-8")
    found = pd.concat([found_patches(*read_looks(make_looks(folder, seed))) for seed in range(100, 110)])
    text = (
        "# What happened\n\n"
        "Made by `python -m benchmarks.kinds`, seeds 100 to 109 of the hard preset, every third look.\n\n"
        f"{report(found[found['label'] >= 0].reset_index(drop=True))}\n"
    )
    print(text)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--fit" in sys.argv)
