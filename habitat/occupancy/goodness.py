"""Does a model fit: the bootstrap test of histories against what it expects of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from habitat.errors import EstimationError
from habitat.estimation import maximise
from habitat.occupancy.abundance import RoyleNicholsOccupancy, number_of_animals
from habitat.occupancy.detection import TrueDetection
from habitat.occupancy.fitting import StateModel
from habitat.occupancy.histories import visits_of
from habitat.occupancy.states import project

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FitTest:
    """How well histories agree with a model."""

    chi_square: float
    p_value: float
    """Share of simulated data sets that agree no better."""
    c_hat: float
    """Overdispersion: the observed statistic over the mean of the simulated ones."""
    n_draws: int


@dataclass(frozen=True, eq=False)
class _Expected:
    """What a model expects: each cell is in one of some levels (unused, used; or a number of animals)."""

    weight: Floats
    """(cell x season, level): probability of each level."""
    chance: Floats
    """(visit, level): probability of a detection."""


def assess_fit(
    model: StateModel | RoyleNicholsOccupancy,
    history: xr.Dataset,
    covariates: pd.DataFrame | None = None,
    *,
    n_draws: int = 200,
    seed: int = 0,
) -> FitTest:
    """Test a model's fit by parametric bootstrap (MacKenzie and Bailey 2004).

    Histories of a season are counted within groups of cells that were surveyed on the same occasions; the statistic
    is Pearson's chi-square over all histories that occur, and over those that do not by what is left. Of several
    seasons it is the sum over seasons, each against the use that the model's rates foretell for it.

    Parameters
    ----------
    model : fitted model
        Of one season, of abundance, or of several seasons; fitted to this `history`, without false records.

    Raises
    ------
    EstimationError
        If the model knows false records, or no draw held a detection.

    References
    ----------
    MacKenzie, D. I. and Bailey, L. L. (2004). Assessing the fit of site-occupancy models. Journal of Agricultural,
    Biological, and Environmental Statistics 9, 300-318.
    """
    if getattr(model, "fp", None) is not None:
        raise EstimationError("the test of fit knows no false records", where="fp", mend="test the model without them")
    bound = model._bound
    visits = visits_of(history, covariates)
    occasion = visits.of_visit["occasion"].to_numpy(dtype=np.int64)[bound.rows]
    groups = _groups(bound.site * bound.shape[1] + bound.season, bound.season, occasion)
    best = model._coefficients.maximum.at
    detected = visits.detected[bound.rows]
    observed = _chi_square(groups, detected, _expected(model, best))
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_draws):
        fake = _draw(model, best, random)
        if not fake.any():  # nothing to be estimated from
            continue
        again = maximise(_likelihood(model, fake), len(best), starts=1, first=best)
        drawn.append(_chi_square(groups, fake, _expected(model, again.at)))
    if not drawn:
        raise EstimationError("no simulated data set held a detection", mend="the species is too rare for this test")
    simulated = np.array(drawn)
    return FitTest(observed, float((simulated >= observed).mean()), float(observed / simulated.mean()), len(simulated))


def _likelihood(model: StateModel | RoyleNicholsOccupancy, detected: Floats) -> Any:
    """The model's likelihood of other records of the same visits."""
    if isinstance(model, RoyleNicholsOccupancy):
        return replace(model._likelihood, detected=detected)
    return replace(model._likelihood, detection=TrueDetection(detected))


def _rates(model: StateModel, theta: Floats) -> dict[str, Floats]:
    """Logits of psi (cell,), col and ext (cell, step), p (visit,)."""
    cut = model._coefficients.split(theta)
    n, seasons = model._bound.shape
    on = {name: columns @ cut[name] for name, (_, columns) in model._bound.parts.items()}
    none = np.zeros((n, 0))
    steps = {name: on[name].reshape(n, seasons - 1) if name in on else none for name in ("col", "ext")}
    return on | steps


def _expected(model: StateModel | RoyleNicholsOccupancy, theta: Floats) -> _Expected:
    if isinstance(model, RoyleNicholsOccupancy):
        lam, r = model._rates(theta)
        numbers = number_of_animals(lam)
        n = np.arange(numbers.shape[1])
        return _Expected(numbers, 1 - (1 - r[:, None]) ** n)
    on = _rates(model, theta)
    use = project(on["psi"], on["col"], on["ext"]).ravel()
    p = expit(on["p"])
    return _Expected(np.stack([1 - use, use], axis=1), np.stack([np.zeros_like(p), p], axis=1))


def _draw(model: StateModel | RoyleNicholsOccupancy, theta: Floats, random: np.random.Generator) -> Floats:
    """Draw the records of all visits from the model."""
    bound = model._bound
    if isinstance(model, RoyleNicholsOccupancy):
        lam, r = model._rates(theta)
        animals = random.poisson(lam)[bound.site]
        return (random.random(len(r)) < 1 - (1 - r) ** animals).astype(float)
    on = _rates(model, theta)
    state = random.random(bound.shape[0]) < expit(on["psi"])
    states = [state]
    for t in range(bound.shape[1] - 1):
        chance = np.where(state, expit(-on["ext"][:, t]), expit(on["col"][:, t]))
        state = random.random(len(state)) < chance
        states.append(state)
    used = np.stack(states, axis=1)[bound.site, bound.season]
    return (used & (random.random(len(used)) < expit(on["p"]))).astype(float)


def _groups(unit: Ints, season: Ints, occasion: Ints) -> list[tuple[Ints, Ints]]:
    """Units (cell in a season) that were surveyed on the same occasions: their numbers, and visits (unit, occasion)."""
    order = np.lexsort((occasion, unit))
    numbers, begins = np.unique(unit[order], return_index=True)
    found: dict[tuple[int, ...], list[Ints]] = {}
    names: dict[tuple[int, ...], list[int]] = {}
    for number, visits in zip(numbers.tolist(), np.split(order, begins[1:]), strict=True):
        key = (int(season[visits[0]]), *occasion[visits].tolist())
        found.setdefault(key, []).append(visits)
        names.setdefault(key, []).append(number)
    return [(np.array(names[key], dtype=np.int64), np.stack(found[key])) for key in sorted(found)]


def _chi_square(groups: list[tuple[Ints, Ints]], detected: Floats, expected: _Expected) -> float:
    """Pearson's statistic over histories, within groups of cells surveyed on the same occasions."""
    total = 0.0
    for units, visits in groups:
        weight, chance = expected.weight[units], expected.chance[visits]  # (unit, level), (unit, occasion, level)
        histories, count = np.unique(detected[visits], axis=0, return_counts=True)
        seen = histories[:, None, :, None] == 1
        given_level = np.where(seen, chance, 1 - chance).prod(axis=2)  # (history, unit, level)
        foretold = (given_level * weight).sum(axis=(1, 2))
        total += float(((count - foretold) ** 2 / foretold).sum() + max(len(units) - foretold.sum(), 0.0))
    return total
