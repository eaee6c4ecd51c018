"""Losses of forest in dense series: ours, COLD, S-CCD and CCDC on landscapes of the `hard` preset, scored alike.

    python -m benchmarks.race FOLDER --peer PYTHON [--cdts PYTHON] [--size-km KM] [SEED ...]
    python -m benchmarks.race FOLDER --fit

PYTHON are interpreters that have pyxccd, and cdts. All forest pixels of each landscape take part; all detectors see
the same looks and know which pixels were forest (`change_scores.py`, decision 16). "habitat watch" judges each look by
itself: weather stays in. Landscapes and what peers called are
kept in FOLDER. Seeds are 100 to 109 unless others are named. Speed is forest pixels per second of CPU time, one thread
each.

With `--fit`, the coefficients of `habitat.change.disturbances` are learnt on seeds 0 to 9 and printed, with what
leaving out one landscape after the other foretells of them. Otherwise writes `results/race.md`.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.change_scores import Matched, difference, found_by, rates, summarise
from benchmarks.hard import Series, make_series, matched, read_series
from habitat.change import find_breaks, find_losses, loss_breaks, without_weather
from habitat.change.breaks import EPOCH
from habitat.change.disturbances import LEAST_PROBABILITY, loss_features
from habitat.change.weather import CALM
from habitat.workflow.alarms import LIKELY

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "race.md"
COMPLETE = 0.9
"""Share of the crown cover from which on a removal is complete."""
BLOCK_PIXELS = 15
"""Side of the blocks that the bootstrap draws: 300 m."""
BIN = 500
"""Losses in each bin of probability, at least."""
RIDGE = 1.0
NAMES = {"cold": "COLD (pyxccd)", "sccd": "S-CCD (pyxccd)", "ccdc": "CCDC (cdts)"}


@dataclass(frozen=True)
class Landscape:
    """One landscape."""

    path: Path
    series: Series

    @property
    def width(self) -> int:
        """Pixels in a row of the whole landscape."""
        return int(len(self.series.land) ** 0.5)

    @property
    def forest(self) -> np.ndarray:
        """Where it was forest, bool (y, x)."""
        mask = np.zeros(self.width**2, bool)
        mask[self.series.forest] = True
        return mask.reshape(self.width, self.width)

    def looks(self) -> tuple[np.ndarray, np.ndarray]:
        """Return days, and values (time, 6, y, x) with NaN where the product's mask hides them."""
        series = self.series
        values = series.values.astype(np.float32) / np.float32(10_000)
        values[np.broadcast_to((series.codes > 1)[:, None], values.shape)] = np.nan
        days = (series.time.astype("datetime64[ns]") - EPOCH) / np.timedelta64(1, "D")
        cube = np.ascontiguousarray(values.transpose(2, 1, 0))
        return days, cube.reshape(*cube.shape[:2], self.width, self.width)

    def score(self, calls: pd.DataFrame) -> Matched:
        """Score calls: pixel, date."""
        return matched(self.series, calls)


def land(seed: int, folder: Path, size_km: float) -> Landscape:
    """Return a landscape, simulated unless it lies in `folder`."""
    path = make_series(seed, folder, pixels=10**9, size_km=size_km)
    return Landscape(path, read_series(path))


def calls_of(place: Landscape, losses: pd.DataFrame) -> pd.DataFrame:
    """Return losses as calls: with their pixel."""
    return losses.assign(pixel=losses["row"] * place.width + losses["column"])


def ours(place: Landscape) -> tuple[pd.DataFrame, float]:
    """Return all that may be losses, of any probability, and the seconds that it took."""
    days, values = place.looks()
    forest = place.forest
    begun = time.process_time()
    losses = find_losses(days, values, forest, least_probability=0)
    return calls_of(place, losses), time.process_time() - begun


def watched(place: Landscape) -> tuple[pd.DataFrame, float]:
    """Return what `habitat watch` calls of the same looks, each judged by itself, and the seconds that it took."""
    days, values = place.looks()
    pixels = place.series.forest
    begun = time.process_time()
    breaks = find_breaks(days, np.ascontiguousarray(values.reshape(*values.shape[:2], 1, -1)[..., pixels]))
    losses = loss_breaks(breaks, least_probability=LIKELY)
    return losses.assign(pixel=pixels[losses["column"]]), time.process_time() - begun


def theirs(place: Landscape, python: str, names: tuple[str, ...]) -> dict[str, tuple[pd.DataFrame, float]]:
    """Return the calls of peers and the seconds that they took; they run unless their file is there."""
    series, stem = place.series, place.path.stem.replace("hard", "")
    source = place.path.with_name(f"series{stem}.npz")
    target = place.path.with_name(f"{'calls' if 'cold' in names else 'ccdc'}{stem}.npz")
    if not target.exists():
        days = series.time.astype("datetime64[D]").astype(np.int64) + 719163
        values, codes = series.values[series.forest], series.codes[series.forest]
        np.savez(source, days=days, values=values, codes=codes)
        script = HERE / "peers" / ("cold.py" if "cold" in names else "ccdc.py")
        subprocess.run([python, str(script), str(source), str(target), *names], check=True)
    found = {}
    with np.load(target) as file:
        for name in names:
            date = (file[f"{name}_day"] - 719163).astype("datetime64[D]").astype("datetime64[s]")
            calls = pd.DataFrame({"pixel": series.forest[file[f"{name}_pixel"]], "date": date})
            found[name] = calls, float(file[f"{name}_seconds"])
    return found


def complete_f1(parts: list[Matched]) -> float:
    """Return F1 of complete removals: other losses that were found are neither hits nor false."""
    counts = np.zeros(3)
    for part in parts:
        hit = part.losses.loc[part.losses["share"] >= COMPLETE, "hit"]
        counts += [hit.sum(), (~hit).sum(), part.counts[2]]
    return rates(counts)[0]


def learn(features: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return coefficients of a logistic regression, all but the first held to zero by a ridge in units of spread."""
    scale = features.std(axis=0)
    held = np.diag(np.where(scale > 0, RIDGE * scale**2, 0))
    weights = np.zeros(features.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-features @ weights))
        curvature = features.T @ (features * (p * (1 - p))[:, None]) + held + 1e-9 * np.eye(len(weights))
        weights += np.linalg.solve(curvature, features.T @ (truth - p) - held @ weights)
    return weights


Set = tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]
"""Calls of one landscape, their features; of those that count the place, and whether they hit a loss."""


def _set(place: Landscape, *, level: bool) -> Set:
    days, values = place.looks()
    values = without_weather(days, values, place.forest) if level else values
    breaks = find_breaks(days, values, rules=CALM if level else None)
    calls = calls_of(place, loss_breaks(breaks, least_probability=0))
    features = loss_features(breaks.loc[calls.index])
    scored = place.score(calls.assign(place=np.arange(len(calls)))).calls
    known = scored[scored["fate"] != "neutral"]
    return calls, features, known["place"].to_numpy(), (known["fate"] == "hit").to_numpy(dtype=float)


def _learn_from(sets: list[Set]) -> np.ndarray:
    return learn(np.concatenate([s[1][s[2]] for s in sets]), np.concatenate([s[3] for s in sets]))


def fit(places: list[Landscape]) -> str:
    """Learn from breaks in looks with and without weather; say what leaving each landscape out foretells."""
    sides = {level: [_set(place, level=level) for place in places] for level in (True, False)}
    lines = [f"LOSS = ({', '.join(f'{w:.3f}' for w in _learn_from(sides[True] + sides[False]))})"]
    for level, sets in sides.items():
        lines.append(f"\nLooks {'without' if level else 'with'} weather, one landscape left out after the other:")
        scores: dict[float, list[Matched]] = {}
        told = []
        for k, (place, (calls, features, known, truth)) in enumerate(zip(places, sets, strict=True)):
            others = [s for side in sides.values() for i, s in enumerate(side) if i != k]
            probability = 1 / (1 + np.exp(-features @ _learn_from(others)))
            told.append(np.column_stack([probability[known], truth]))
            for least in (0.0, 0.5, 0.6, 0.7, 0.75, 0.8):
                scores.setdefault(least, []).append(place.score(calls[probability >= least]))
        lines += [f"least probability {least}: {_said(parts)}" for least, parts in scores.items()]
        lines.append(reliability(np.concatenate(told)))
    return "\n".join(lines)


def reliability(told: np.ndarray) -> str:
    """Return a table of probabilities said and what was true, bins of `BIN` losses or more."""
    told = told[np.argsort(told[:, 0], kind="stable")]
    before = np.cumsum(told[:, 1]) - told[:, 1]
    bins = np.minimum(before // BIN, max(told[:, 1].sum() // BIN - 1, 0)).astype(int)
    rows, error = [], 0.0
    for k in np.unique(bins):
        part = told[bins == k]
        said, was = part.mean(axis=0)
        error += abs(said - was) * len(part) / len(told)
        rows.append([f"{part[0, 0]:.3f} to {part[-1, 0]:.3f}", str(len(part)), f"{said:.3f}", f"{was:.3f}"])
    heads = ["probability", "calls", "said", "was"]
    return f"Expected calibration error {error:.3f}, of {len(told):,} calls.\n\n" + table(heads, rows)


def _said(parts: list[Matched]) -> str:
    s = summarise(parts)
    return (
        f"F1 {s['f1']:.3f}, omission {s['omission']:.3f}, commission {s['commission']:.3f}, complete "
        f"{complete_f1(parts):.3f}, false {s['false_per_stable_decade']:.4f}, {s['median_error_days']:.0f} days"
    )


def race(places: list[Landscape], options: argparse.Namespace) -> str:
    """Run everyone on everything, and return what was found as Markdown."""
    find_breaks(np.arange(2.0), np.zeros((2, 6, 1, 1), np.float32))  # compiles
    parts: dict[str, list[Matched]] = {}
    seconds: dict[str, float] = {}
    told = []
    for place in places:
        all_calls, spent = ours(place)
        found = {"habitat": (all_calls[all_calls["probability"] >= LEAST_PROBABILITY], spent)}
        found["habitat watch"] = watched(place)
        if options.peer:
            found |= {NAMES[k]: v for k, v in theirs(place, options.peer, ("cold", "sccd")).items()}
        if options.cdts:
            found |= {NAMES[k]: v for k, v in theirs(place, options.cdts, ("ccdc",)).items()}
        for name, (calls, taken) in found.items():
            parts.setdefault(name, []).append(place.score(calls))
            seconds[name] = seconds.get(name, 0.0) + taken
        known = place.score(all_calls).calls.query("fate != 'neutral'")
        told.append(np.column_stack([known["probability"], known["fate"] == "hit"]).astype(float))
    pixels = sum(len(place.series.forest) for place in places)
    rows = [_row(name, part, pixels / seconds[name]) for name, part in parts.items()]
    heads = "detector | F1 | user's | producer's | F1, complete removal | false a stable pixel-decade | "
    heads += "median error, days | px per core-second"
    cells = sum(place.width**2 for place in places)
    first = parts["habitat"]
    page = [
        f"{pixels:,} forest pixels of {len(places)} landscapes, {sum(len(p.stable) for p in first):,} of them stable; "
        f"{sum(len(p.losses) for p in first):,} losses. Ours looks at other pixels too, as it takes the weather out: "
        f"{cells / seconds['habitat']:,.0f} pixels of any kind per core-second. What peers called, and the seconds "
        "that they took, are kept in FOLDER: theirs may be of another day.",
        table(heads.split(" | "), rows),
        "F1 of habitat less that of others, with the 95% interval of a paired bootstrap over landscapes and their "
        f"blocks of {BLOCK_PIXELS * 20} m:",
        table(["against", "difference", "from", "to"], [_gap(first, parts[n], n, places) for n in list(parts)[1:]]),
        *_split(parts, "kind"),
        *_split(parts, "share"),
        "F1 by landscape:",
        table(
            ["seed", *parts],
            [
                [p.path.stem[5:], *(f"{rates(m[k].counts)[0]:.2f}" for m in parts.values())]
                for k, p in enumerate(places)
            ],
        ),
        "## Probability of loss",
        f"Breaks away from forest for good, those below {LEAST_PROBABILITY} too; bins of {BIN} losses or more.",
        reliability(np.concatenate(told)),
    ]
    return "\n\n".join(page)


def _row(name: str, parts: list[Matched], speed: float) -> list[str]:
    s = summarise(parts)
    figures = [s["f1"], 1 - s["commission"], 1 - s["omission"], complete_f1(parts)]
    return [
        name,
        *(f"{figure:.3f}" for figure in figures),
        f"{s['false_per_stable_decade']:.4f}",
        f"{s['median_error_days']:.0f}",
        f"{speed:,.0f}",
    ]


def _one(k: int, place: Landscape, parts: dict[str, list[Matched]]) -> list[str]:
    return [place.path.stem.removeprefix("hard_"), *(f"{rates(part[k].counts)[0]:.2f}" for part in parts.values())]


def _gap(first: list[Matched], other: list[Matched], name: str, places: list[Landscape]) -> list[str]:
    width = places[0].width
    row, column = np.divmod(np.arange(width * width), width)
    block = row // BLOCK_PIXELS * -(-width // BLOCK_PIXELS) + column // BLOCK_PIXELS
    return [name, *(f"{figure:+.3f}" for figure in difference(first, other, block=block))]


def _split(parts: dict[str, list[Matched]], by: str) -> list[str]:
    """Share of the losses that each detector finds, by kind or by share of the crown cover."""
    found = {name: found_by(part, by) for name, part in parts.items()}
    first = found["habitat"]
    rows = [
        [str(key), f"{first.loc[key, 'losses']:.0f}", *(f"{frame.loc[key, 'found']:.2f}" for frame in found.values())]
        for key in first.index
    ]
    title = "Found, by kind:" if by == "kind" else "Found, by share of the crown cover removed:"
    return [title, table(["", "losses", *found], rows)]


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table as Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, ["---"] * len(heads), *rows])


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer")
    parser.add_argument("--cdts")
    parser.add_argument("--size-km", type=float, default=1.5)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("seeds", type=int, nargs="*")
    return parser.parse_args()


def main() -> None:
    """Learn, or race."""
    options = parse()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.fit:
        print(fit([land(seed, options.folder, options.size_km) for seed in options.seeds or range(10)]))
        return
    seeds = options.seeds or list(range(100, 110))
    text = race([land(seed, options.folder, options.size_km) for seed in seeds], options)
    head = "# The race for losses of forest\n\nMade by `python -m benchmarks.race FOLDER --peer PYTHON --cdts PYTHON`, "
    RESULTS.write_text(f"{head}seeds {seeds[0]} to {seeds[-1]}.\n\n{text}\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
