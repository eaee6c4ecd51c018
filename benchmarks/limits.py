"""How often 95% limits of occupancy models hold the truth, and how far estimates lie beside it on average.

    python -m benchmarks.limits [RUNS]

RUNS (default 500) simulated surveys of each design, two fifths of them where no bound is held, seeds 100000 on; every
model is the true one. Designs and truths
are in `DESIGNS`. Judged are all coefficients (logit scale) and their probabilities, and the share of cells occupied:
the expected one against the mean of true psi, that of these very cells against the states themselves. A run whose
estimate sits at a boundary has no limits; it is counted and left out. Prints tables, measures the speed of a dynamic
fit of 942 cells x 23 seasons x 3 occasions with three covariates, and writes `results/limits.md`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit, logit

from habitat.occupancy import DynamicOccupancy, SingleSeasonOccupancy, share_occupied

RESULTS = Path(__file__).parent / "results"
FIRST_SEED = 100_000
DRAWS = 200
"""Behind the limits of a finite-sample share."""


@dataclass(frozen=True)
class Design:
    """A survey and the truth behind it."""

    words: str
    cells: int
    seasons: int
    occasions: int
    p: float
    bound: bool
    """Whether it is held to 92 to 98% and 2%."""


DESIGNS = {
    "single": Design("one season, 200 cells x 5 occasions, p 0.3", 200, 1, 5, 0.3, True),
    "dynamic": Design("8 seasons, 200 cells x 3 occasions a season, p 0.4", 200, 8, 3, 0.4, True),
    "few cells": Design("one season, 60 cells x 5 occasions, p 0.3", 60, 1, 5, 0.3, False),
    "rarely seen": Design("one season, 200 cells x 5 occasions, p 0.1", 200, 1, 5, 0.1, False),
    "few cells, dynamic": Design("8 seasons, 60 cells x 3 occasions a season, p 0.4", 60, 8, 3, 0.4, False),
}

PSI, COL, EXT = (0.0, 1.0), (-1.5, 0.0), (-1.5, 1.0)
"""Intercept and slope, logit scale: psi by `forest` (standard normal), ext by `loss` (standard normal, of the season
after the step); col has no slope."""


def simulate(design: Design, seed: int) -> tuple[xr.Dataset, pd.DataFrame, np.ndarray, np.ndarray]:
    """Return a history, covariates, states (cell, season) and their probabilities given habitat alone."""
    random = np.random.default_rng(seed)
    shape = (design.cells, design.seasons)
    forest, loss = random.standard_normal(design.cells), random.standard_normal(shape)
    psi = np.empty(shape)
    psi[:, 0] = expit(PSI[0] + PSI[1] * forest)
    used = np.zeros(shape, dtype=bool)
    used[:, 0] = random.random(design.cells) < psi[:, 0]
    for t in range(1, design.seasons):
        left, colonised = expit(EXT[0] + EXT[1] * loss[:, t]), expit(COL[0])
        psi[:, t] = psi[:, t - 1] * (1 - left) + (1 - psi[:, t - 1]) * colonised
        used[:, t] = random.random(design.cells) < np.where(used[:, t - 1], 1 - left, colonised)
    seen = ((random.random((*shape, design.occasions)) < design.p) & used[..., None]).astype(float)
    coords = {"cell": np.arange(design.cells), "season": np.arange(design.seasons)}
    visits = ("cell", "season", "occasion")
    history = xr.Dataset({"detected": (visits, seen), "loss": (("cell", "season"), loss)}, coords=coords)
    cells = pd.DataFrame({"forest": forest}, index=pd.Index(coords["cell"], name="cell"))
    return (history if design.seasons > 1 else history.isel(season=0, drop=True)), cells, used, psi


def truths(design: Design) -> dict[str, float]:
    """The planted coefficients, as `parameter(term)`."""
    known = {"psi(Intercept)": PSI[0], "psi(forest)": PSI[1], "p(Intercept)": float(logit(design.p))}
    if design.seasons > 1:
        known |= {"col(Intercept)": COL[0], "ext(Intercept)": EXT[0], "ext(next_loss)": EXT[1]}
    return known


def judge(design: Design, seed: int) -> pd.DataFrame:
    """One survey: what, truth, estimate, lower, upper."""
    history, cells, used, psi = simulate(design, seed)
    if design.seasons > 1:
        model = DynamicOccupancy("forest", "1", "next_loss", "1", n_starts=1).fit(history, cells)
        shares = model.share_occupied(history, cells, n_draws=DRAWS, seed=seed)
        shares = shares[shares["season"] == design.seasons - 1]
    else:
        model = SingleSeasonOccupancy("forest", "1", n_starts=1).fit(history, cells)
        shares = share_occupied(model, cells, n_draws=DRAWS)
    terms = model.estimates_
    table = pd.DataFrame(
        {
            "what": terms["parameter"] + "(" + terms["term"] + ")",
            "estimate": terms["estimate"],
            "lower": terms["lower"],
            "upper": terms["upper"],
        }
    )
    table["truth"] = table["what"].map(truths(design))
    levels = table[table["what"].str.endswith("(Intercept)")]
    levels = levels.assign(what=levels["what"].str.removesuffix("(Intercept)"))
    levels[["estimate", "lower", "upper", "truth"]] = expit(levels[["estimate", "lower", "upper", "truth"]])
    last = {"model": ("share expected", psi), "finite_sample": ("share of these cells", used)}
    of = {method: (words, states[:, -1].mean()) for method, (words, states) in last.items()}
    share = pd.DataFrame(
        {
            "what": [of[method][0] for method in shares["method"]],
            "truth": [of[method][1] for method in shares["method"]],
            "estimate": shares["share"].to_numpy(),
            "lower": shares["lower"],
            "upper": shares["upper"],
        }
    )
    return pd.concat([table, levels, share], ignore_index=True).assign(seed=seed)


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """By what was judged: coverage, bias (relative where the truth is not 0) and its Monte Carlo standard error."""
    rows = []
    for what, part in runs.groupby("what", sort=False):
        known = part.dropna(subset=["lower", "upper"])
        off = known["estimate"] - known["truth"]
        size = abs(known["truth"].mean())
        scale = size if size > 0 else 1.0
        rows.append(
            {
                "what": what,
                "truth": known["truth"].mean(),
                "runs": len(known),
                "at a boundary": len(part) - len(known),
                "coverage": ((known["lower"] <= known["truth"]) & (known["truth"] <= known["upper"])).mean(),
                "bias": off.mean() / scale,
                "mc_se": off.std(ddof=1) / np.sqrt(len(known)) / scale,
                "median bias": off.median() / scale,
            }
        )
    return pd.DataFrame(rows)


def speed(seed: int = 0) -> float:
    """CPU seconds of a dynamic fit of 942 cells x 23 seasons x 3 occasions, a covariate each of psi, col and ext."""
    history, cells, _, _ = simulate(Design("", 942, 23, 3, 0.3, False), seed)
    model = DynamicOccupancy("forest", "forest", "next_loss", "1")
    model.fit(history.isel(cell=slice(0, 50)), cells)  # loads what is imported late
    began = time.process_time()
    model.fit(history, cells)
    return time.process_time() - began


def study(design: Design, runs: int) -> pd.DataFrame:
    """Judge a design: all of the runs where it is held to bounds, two fifths of them where not."""
    n = runs if design.bound else max(2 * runs // 5, 2)
    return summarise(pd.concat([judge(design, FIRST_SEED + k) for k in range(n)]))


def page(tables: dict[str, pd.DataFrame], seconds: float) -> str:
    """Return the page of results."""
    lines = [
        "# Coverage and bias of occupancy models",
        "",
        "Simulated surveys of stated designs, the true model fitted to each. Coverage of 95% limits; bias of",
        "estimates, relative where the truth is not 0, with its Monte Carlo standard error. Coefficients are on the",
        "logit scale; `psi`, `p`, `col`, `ext` are the probabilities of the intercepts. Shares are those of the last",
        "season. Maximum likelihood overstates slopes where cells are few, as in every logistic regression: a bias of",
        "order 1/n, with some very steep surveys among it (see the medians). Made by `python -m benchmarks.limits`.",
    ]
    for name, table in tables.items():
        design, runs = DESIGNS[name], int((table["runs"] + table["at a boundary"]).max())
        lines += ["", f"## {design.words[0].upper()}{design.words[1:]}: {runs} surveys", ""]
        if design.bound:
            inside = table["coverage"].between(0.92, 0.98)
            near = table["bias"].abs() <= 0.02 + 2 * table["mc_se"]
            missed = [*("coverage of " + table["what"][~inside]), *("bias of " + table["what"][~near])]
            said = f"Missed: {', '.join(missed) or 'none'}."
            lines += [f"Bound: coverage 92 to 98%, bias at most 2% and two standard errors. {said}", ""]
        lines.append("| | truth | coverage | bias | its SE | median bias | at a boundary |")
        lines.append("|---|---|---|---|---|---|---|")
        lines += [
            f"| {r['what']} | {r['truth']:.3f} | {r['coverage']:.1%} | {r['bias']:+.2%} | {r['mc_se']:.2%} "
            f"| {r['median bias']:+.2%} | {r['at a boundary']} |"
            for r in table.to_dict("records")
        ]
    lines += [
        "",
        "## Speed",
        "",
        "Dynamic fit of 942 cells x 23 seasons x 3 occasions, a covariate each of psi, col and",
    ]
    lines.append(f"ext, three starts: {seconds:.2f} CPU seconds of one thread.")
    return "\n".join(lines) + "\n"


def main(runs: int = 500, results: Path = RESULTS) -> dict[str, pd.DataFrame]:
    """Judge all designs and write the page."""
    tables = {name: study(design, runs) for name, design in DESIGNS.items()}
    (results / "limits.md").write_text(page(tables, speed()), encoding="utf-8")
    return tables


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:2]))
    print((RESULTS / "limits.md").read_text(encoding="utf-8"))
