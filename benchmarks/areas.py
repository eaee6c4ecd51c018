"""How often the 95% limits of areas and accuracies hold the truth: 2,000 samples drawn of each of four landscapes.

    python -m benchmarks.areas [DRAWS_OF_SAMPLES]

The landscapes are tables of probabilities (stratum x mapped class x true class): Olofsson et al.'s (2014) worked
example taken as the truth; a loss of 1% with some of the forest's omitted, by n = 100/300/200 samples of loss / stable
forest / stable non-forest; strata of an older map under a newer one (Stehman 2014); a stratum a year of loss. Beside
the default, plain posteriors by two priors, and Wald's limits as published. Prints tables and writes
`results/areas.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from habitat.assess import intervals
from habitat.assess.estimators import Z95, Tally, ratio_of

SAMPLES, SEED = 2000, 100
DRAWS = 4000
"""Of a posterior: fewer than the shipped 20,000, which costs the limits some steadiness and saves four fifths."""
KINDS = {"prior 1/2": (1 / 2, 1 / 2), "prior 1/3": (1 / 3, 1 / 3), "default": (intervals.SEEN, intervals.UNSEEN)}
"""Pixels that an outcome of a stratum is taken to have been seen beforehand: one that was seen, one that was not."""
PIXELS = 10_000_000
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Design:
    """A landscape and how it is sampled."""

    title: str
    classes: tuple[str, ...]
    weights: np.ndarray
    """(stratum,)."""
    n: np.ndarray
    truth: np.ndarray
    """(stratum, mapped, true), shares of each stratum."""


def olofsson() -> Design:
    counts = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]], dtype=float)
    truth = np.zeros((4, 4, 4))
    truth[range(4), range(4)] = counts / counts.sum(axis=1, keepdims=True)
    names = ("deforestation", "forest gain", "stable forest", "stable non-forest")
    weights = np.array([200_000, 150_000, 3_200_000, 6_450_000]) / 1e7
    return Design("Olofsson et al.'s table as the truth", names, weights, np.array([75, 75, 165, 325]), truth)


def loss(omitted: float, weight: float = 0.01) -> Design:
    truth = np.zeros((3, 3, 3))
    truth[0, 0] = 0.85, 0.10, 0.05
    truth[1, 1] = omitted, 0.97 - omitted, 0.03
    truth[2, 2] = 0.0, 0.04, 0.96
    names = ("loss", "stable forest", "stable non-forest")
    title = f"A mapped loss of {weight:.0%}, {omitted:.1%} of the stable forest omitted"
    return Design(title, names, np.array([weight, 0.6, 0.4 - weight]), np.array([100, 300, 200]), truth)


def stehman() -> Design:
    truth = np.array(
        [
            [[0.60, 0.05, 0.03], [0.06, 0.14, 0.01], [0.04, 0.02, 0.05]],
            [[0.03, 0.01, 0.005], [0.02, 0.70, 0.03], [0.005, 0.03, 0.17]],
            [[0.002, 0.002, 0.0], [0.003, 0.955, 0.012], [0.0, 0.012, 0.014]],
            [[0.001, 0.0, 0.001], [0.0, 0.02, 0.02], [0.001, 0.02, 0.937]],
        ]
    )
    names = ("loss", "stable forest", "stable non-forest")
    title = "Strata of an older map (loss, near loss, forest, non-forest) under a newer one"
    truth /= truth.sum(axis=(1, 2), keepdims=True)
    return Design(title, names, np.array([0.012, 0.05, 0.55, 0.388]), np.array([75, 75, 200, 150]), truth)


def by_year() -> Design:
    years = 4
    truth = np.zeros((years + 2, years + 2, years + 2))
    for at in range(years):
        truth[at, at, at] = 0.75
        truth[at, at, max(at - 1, 0)] += 0.08
        truth[at, at, min(at + 1, years - 1)] += 0.05
        truth[at, at, years], truth[at, at, years + 1] = 0.08, 0.04
    truth[years, years, :years], truth[years, years, years] = 0.0005, 0.967
    truth[years, years, years + 1] = 0.03
    truth[years + 1, years + 1, years], truth[years + 1, years + 1, years + 1] = 0.04, 0.96
    names = (*(f"loss in year {at + 1}" for at in range(years)), "stable forest", "stable non-forest")
    weights = np.array([0.002, 0.003, 0.001, 0.004, 0.6, 0.39])
    title = "A stratum a year of loss, 0.05% of the stable forest omitted in each year"
    return Design(title, names, weights, np.array([50] * years + [250, 150]), truth)


def designs() -> list[Design]:
    return [olofsson(), loss(0.003), loss(0.005), stehman(), by_year()]


@dataclass(frozen=True)
class Question:
    """One figure: what counts, what is a hit, and what the map rules out."""

    what: str
    hit: np.ndarray
    """bool (mapped, true)."""
    base: np.ndarray
    may_hit: np.ndarray
    may_miss: np.ndarray
    may_lack: np.ndarray


def questions(design: Design) -> Iterator[Question]:
    h, k, _ = design.truth.shape
    mapped = design.truth.sum(axis=2)
    yes, no = np.ones(h, dtype=bool), np.zeros(h, dtype=bool)
    whole = np.ones((k, k), dtype=bool)
    for code, name in enumerate(design.classes):
        as_mapped, as_true = np.zeros((k, k), dtype=bool), np.zeros((k, k), dtype=bool)
        as_mapped[code], as_true[:, code] = True, True
        there, only = mapped[:, code] > 0, mapped[:, code] > 1 - 1e-9
        yield Question(f"area of {name}", as_true, whole, yes, yes, no)
        yield Question(f"user's accuracy of {name}", as_mapped & as_true, as_mapped, there, there, ~only)
        yield Question(f"producer's accuracy of {name}", as_mapped & as_true, as_true, there, ~only, yes)
    yield Question("overall accuracy", np.eye(k, dtype=bool), whole, yes, yes, no)


def coverage(design: Design, question: Question, samples: np.ndarray) -> dict[str, tuple[float, float]]:
    """Share of samples whose limits hold the truth, and mean width, by kind of limits."""
    truth = float(
        design.weights
        @ design.truth[:, question.hit].sum(axis=1)
        / (design.weights @ design.truth[:, question.base].sum(axis=1))
    )
    kinds: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], tuple[float, float]]] = {}

    def tally(hits: tuple[int, ...], base: tuple[int, ...]) -> Tally:
        may = question.may_hit, question.may_miss, question.may_lack
        return Tally(design.weights * PIXELS, design.n, np.array(base), np.array(hits), *may)

    @cache
    def wald(hits: tuple[int, ...], base: tuple[int, ...]) -> tuple[float, float]:
        value, se = ratio_of(tally(hits, base))
        return value - Z95 * se, value + Z95 * se

    kinds["Wald"] = wald
    for name, pair in KINDS.items():

        @cache
        def posterior(
            hits: tuple[int, ...], base: tuple[int, ...], pair: tuple[float, float] = pair
        ) -> tuple[float, float]:
            intervals.SEEN, intervals.UNSEEN = pair
            return intervals.limits_of(tally(hits, base))

        kinds[name] = posterior
    hits, base = (samples[:, :, mask].sum(axis=2) for mask in (question.hit, question.base))
    found = {}
    for name, limits in kinds.items():
        intervals.draw_shares.cache_clear()  # type: ignore[attr-defined]
        low, high = np.array([limits(tuple(y), tuple(x)) for y, x in zip(hits, base, strict=True)]).T
        found[name] = float(np.mean((low <= truth) & (truth <= high))), float(np.nanmean(high - low))
    return found


def draw_samples(design: Design, samples: int) -> np.ndarray:
    """Counts (sample, stratum, mapped, true)."""
    rng = np.random.default_rng(SEED)
    strata = [
        rng.multinomial(n, of.ravel() / of.sum(), size=samples).reshape(samples, *of.shape)
        for n, of in zip(design.n, design.truth, strict=True)
    ]
    return np.stack(strata, axis=1)


def table(design: Design, samples: int) -> list[str]:
    drawn = draw_samples(design, samples)
    rows = [
        f"## {design.title}",
        "",
        f"n = {'/'.join(map(str, design.n))}. Share of {samples:,} samples whose 95% limits hold the truth, "
        "percent; the last column: how wide the default's are beside Wald's, on average.",
        "",
        f"| | truth | Wald | {' | '.join(KINDS)} | width |",
        f"|{'---|' * (4 + len(KINDS))}",
    ]
    for question in questions(design):
        found = coverage(design, question, drawn)
        truth = design.weights @ design.truth[:, question.hit].sum(axis=1)
        truth /= design.weights @ design.truth[:, question.base].sum(axis=1)
        held = " | ".join(f"{100 * held:.1f}" for held, _ in found.values())
        width = found["default"][1] / found["Wald"][1]
        rows.append(f"| {question.what} | {truth:.4f} | {held} | {width:.2f} |")
        print(rows[-1], flush=True)
    return [*rows, ""]


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    before = intervals.SEEN, intervals.UNSEEN, intervals.DRAWS, intervals.draw_shares
    intervals.DRAWS, intervals.draw_shares = DRAWS, cache(intervals.draw_shares)
    try:
        parts = [table(design, samples) for design in designs()]
    finally:
        intervals.SEEN, intervals.UNSEEN, intervals.DRAWS, intervals.draw_shares = before
    head = [
        "# How often limits of areas and accuracies hold the truth",
        "",
        "Made by `python -m benchmarks.areas`. Wald's limits are those published. The others are quantiles of a "
        "posterior a stratum: by half or a third of a pixel beforehand, or the default, which believes in what was not "
        f"seen with {before[1]:g} of a pixel where the limit must not rest on it. Posteriors of {DRAWS:,} draws, seed "
        f"{SEED}. The standard error of a share of {samples:,} near 95% is {100 * (0.05 * 0.95 / samples) ** 0.5:.1f}.",
        "",
    ]
    text = "\n".join(head + [line for part in parts for line in part])
    (RESULTS / "areas.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
