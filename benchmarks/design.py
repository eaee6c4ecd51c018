"""How surely a change of occupancy is seen with N cameras over K nights, in landscapes of 60 x 60 km.

    python -m benchmarks.design [SURVEYS [SEED ...]]

Landscapes are bare tables of 400 cells of 3 km (`habitat.simulate.make_survey_landscape`), seeds 100 to 109 unless
others are named; a camera a cell, records by chance of 3% a night in a used cell, occasions of 10 nights. The table of
power is by the formula of Guillera-Arroita and Lahoz-Monfort (2012); a few of its designs are simulated, SURVEYS pairs
of surveys (default 20) in each landscape, every one fitted and tested. Writes `results/design.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from habitat.occupancy import SurveyDesign, cameras_needed, change_power, simulated_power
from habitat.simulate import make_survey_landscape

RESULTS = Path(__file__).parent / "results"
PSI, P_NIGHT = 0.5, 0.03
CAMERAS, NIGHTS, CHANGES = (50, 100, 200, 300), (30, 60, 90), (-0.2, -0.3, -0.5)
CHECKED = ((100, 60, 0.0), (100, 60, -0.3), (200, 30, -0.3), (200, 90, -0.2), (300, 60, -0.2), (100, 90, -0.5))


def check(design: SurveyDesign, change: float, seeds: list[int], surveys: int) -> tuple[float, float]:
    """Simulated power over all landscapes, and its standard error."""
    seen = []
    for seed in seeds:
        land = make_survey_landscape(psi=PSI, seed=seed)
        found = simulated_power(land["psi"].to_numpy(), change, design, n_surveys=surveys, seed=seed)
        seen.append(found["seen"].to_numpy())
    told = np.concatenate(seen)
    return float(told.mean()), float(np.sqrt(told.mean() * (1 - told.mean()) / len(told)))


def main(
    surveys: int = 20, seeds: list[int] | None = None, results: Path = RESULTS
) -> list[tuple[float, float, float]]:
    """Write the page; return formula, simulation and its standard error of what was simulated."""
    seeds = list(range(100, 110)) if seeds is None else seeds
    lines = [
        "# How surely a change is seen",
        "",
        f"Landscapes of 60 x 60 km, cells of 3 km, occupancy {PSI:.0%} before, a chance of {P_NIGHT:.0%} of a record",
        "a night in a used cell, occasions of 10 nights, two surveys in cells chosen anew, a two-sided test at 5%.",
        "Made by `python -m benchmarks.design`. The same cells twice see a change better; so does a covariate of",
        "use.",
        "",
        "## Power by cameras, nights and change",
        "",
        "| cameras | nights | found in a used cell | " + " | ".join(f"{change:+.0%}" for change in CHANGES) + " |",
        "|---|---|---|" + "---|" * len(CHANGES),
    ]
    for cameras in CAMERAS:
        for nights in NIGHTS:
            design = SurveyDesign(cameras, nights, P_NIGHT)
            powers = " | ".join(f"{change_power(PSI, change, design):.0%}" for change in CHANGES)
            lines.append(f"| {cameras} | {nights} | {design.found:.0%} | {powers} |")
    lines += ["", "## Cameras for a power of 80%", "", "| nights | " + " | ".join(f"{c:+.0%}" for c in CHANGES) + " |"]
    lines.append("|---|" + "---|" * len(CHANGES))
    for nights in NIGHTS:
        needed = [cameras_needed(PSI, change, SurveyDesign(2, nights, P_NIGHT)) for change in CHANGES]
        lines.append(f"| {nights} | " + " | ".join(f"{n:,}" for n in needed) + " |")
    lines += [
        "",
        f"## Simulated: {surveys} pairs of surveys in each of {len(seeds)} landscapes",
        "",
        "| cameras | nights | change | formula | simulated | its SE |",
        "|---|---|---|---|---|---|",
    ]
    compared = []
    for cameras, nights, change in CHECKED:
        design = SurveyDesign(cameras, nights, P_NIGHT)
        told, error = check(design, change, seeds, surveys)
        compared.append((change_power(PSI, change, design), told, error))
        lines.append(f"| {cameras} | {nights} | {change:+.0%} | {compared[-1][0]:.0%} | {told:.0%} | {error:.1%} |")
    (results / "design.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return compared


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    print(main(*numbers[:1], numbers[1:] or None))
