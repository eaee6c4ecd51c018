"""From answers to tables: each year's cover and the years of loss, as questions to one sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from habitat.assess import NO_ANSWER, NONE, Answers, Estimate, ReferenceSample, pool_years, span
from habitat.change import first_loss_year
from habitat.cubes import NO_LOSS, UNKNOWN_LOSS
from habitat.errors import EstimationError
from habitat.legend import UNKNOWN
from habitat.workflow.context import Context
from habitat.workflow.sampling import look_up, settings_of

LEAST_FOUND = 5
"""Places of loss that a year of its own takes; fewer, and it is estimated together with its neighbours."""
COVER = {1: "forest", 0: "not forest"}
_ALL_LOSS = 1


@dataclass(frozen=True)
class Question:
    """One thing that a sample tells: classes of a map, against what people saw."""

    of: str
    """A year, or `loss`."""
    year: int
    """Of its rows in areas.csv."""
    sample: ReferenceSample
    names: dict[int, str]
    """Class to what areas.csv calls it."""
    areas: tuple[int, ...]
    """Classes whose areas are told."""

    @property
    def never_mapped(self) -> list[str]:
        """Classes that the map has and that no sampled place was mapped as."""
        sampled = set(self.sample.mapped.tolist())
        return [self.names[c] for c, n in self.sample.mapped_pixels.items() if n.sum() and c not in sampled]

    @property
    def never_found(self) -> list[str]:
        """Classes whose areas are told and that no place was answered to be."""
        return [self.names[c] for c in self.areas if not (self.sample.reference == c).any()]


def questions(context: Context, sample: pd.DataFrame, answers: Answers) -> list[Question]:
    """Return every question that the answers can be asked, in the order of the tables; warn of what they cannot.

    Raises
    ------
    EstimationError
        If they can be asked nothing.
    """
    states = np.where(answers.answered[:, None], answers.states, NO_ANSWER)
    forest = forest_of(context, answers)
    asked = {
        str(year): _covers(context, sample, year, states=states[:, at], forest=forest[:, at])
        for at, year in enumerate(context.years)
    }
    if context.recipe.change is not None:
        asked["loss"] = _losses(context, sample, forest, states >= 0)
    found: list[Question] = []
    refused: dict[str, EstimationError] = {}
    for of, several in asked.items():
        try:
            found += several
        except EstimationError as error:
            refused[of] = error
    if not found:
        raise next(iter(refused.values()))
    context.warnings += [f"nothing is estimated for {of}: {error.what}; {error.mend}" for of, error in refused.items()]
    return found


def forest_of(context: Context, answers: Answers) -> np.ndarray:
    """Return where and when forest was answered, of the places answered in full: bool (point, year)."""
    codes = context.legend.forest_codes if settings_of(context).classes == "legend" else (1,)
    return np.isin(answers.states, codes) & answers.answered[:, None]


def _covers(
    context: Context, sample: pd.DataFrame, year: int, *, states: np.ndarray, forest: np.ndarray
) -> Iterator[Question]:
    """Forest and not forest in a year, and the classes of the legend where these were answered."""
    told = states >= 0
    found = look_up(context, context.run.path("forest", f"{year}.tif"), sample)
    seen = found.at_points != UNKNOWN
    mapped = np.where(seen, np.isin(found.at_points, context.legend.forest_codes).astype(int), NONE)
    is_forest = np.isin(found.values, context.legend.forest_codes)
    pixels = {1: found.pixels_of(is_forest), 0: found.pixels_of((found.values != UNKNOWN) & ~is_forest)}
    made = _reference(sample, told, mapped, forest.astype(int), pixels)
    yield Question(str(year), year, made, dict(COVER), (1, 0))
    if settings_of(context).classes == "legend":
        names = {cover.code: cover.name for cover in context.legend}
        mapped = np.where(seen, found.at_points, NONE)
        by_code = {code: found.pixels_of(found.values == code) for code in names}
        made = _reference(sample, told, mapped, states, by_code)
        present = tuple(c for c in names if by_code[c].any() or (made.reference == c).any())
        yield Question(f"{year}, classes", year, made, names, present)


def _losses(context: Context, sample: pd.DataFrame, forest: np.ndarray, told: np.ndarray) -> Iterator[Question]:
    """Loss in all years together, in periods, and in each year that has enough of it."""
    years, path = context.years, context.run.path("change/loss_year.tif")
    lost_in = first_loss_year(forest.T[..., None], told.T[..., None], np.array(years))[:, 0].astype(int)
    told_at_all = (lost_in != UNKNOWN_LOSS) & told.all(axis=1)
    held = look_up(context, path, sample)
    found = {year: int((told_at_all & (lost_in == year)).sum()) for year in years[1:]}
    whole = (years[1], years[-1])
    pooled = [period for period in pool_years(found, LEAST_FOUND) if period != whole]
    for periods in ([whole], pooled):
        if not periods:
            continue
        edges = np.full(UNKNOWN_LOSS + 1, NONE)
        edges[NO_LOSS] = 0
        for number, (first, last) in enumerate(periods, 1):
            edges[first : last + 1] = number
        pixels = {c: held.pixels_of(edges[held.values] == c) for c in range(len(periods) + 1)}
        made = _reference(sample, told_at_all, edges[held.at_points], edges[lost_in], pixels)
        names = {0: "no loss"} | {n: f"loss {span(period)}" for n, period in enumerate(periods, 1)}
        of = "loss" if periods == [whole] else "loss by year"
        for number, period in enumerate(periods, 1):
            asked = Question(of, period[1], made, names, (number,))
            yield asked if number == 1 else replace(asked, of="")


def _reference(
    sample: pd.DataFrame, told: np.ndarray, mapped: np.ndarray, reference: np.ndarray, pixels: dict[int, np.ndarray]
) -> ReferenceSample:
    """The sampled places that tell, against a map whose classes' pixels are counted by stratum.

    A stratum that was drawn whole and of which fewer than two places tell, such as one of a single pixel, can be
    answered no further: it is joined to the largest.
    """
    strata = sample.drop_duplicates("stratum_code").sort_values("stratum_code")
    codes, held = strata["stratum_code"].to_numpy(), strata["stratum_pixels"].to_numpy()
    at = np.searchsorted(codes, sample["stratum_code"].to_numpy()[told])
    n = np.bincount(at, minlength=len(codes))
    lost = (n < 2) & (n < held) & (strata["stratum_samples"].to_numpy() == held)
    joined = np.where(lost, held.argmax(), np.arange(len(codes)))
    kept, into = np.unique(joined, return_inverse=True)

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(into, weights=values, minlength=len(kept)).astype(np.int64)

    return ReferenceSample(
        into[at],
        mapped[told],
        reference[told],
        summed(held),
        {code: summed(each[codes - 1]) for code, each in pixels.items()},
        tuple(strata["stratum"].iloc[kept]),
    )


def _row(found: Estimate) -> dict[str, float]:
    return {
        "estimate": found.value,
        "se": found.se,
        "lower": found.lower,
        "upper": found.upper,
        "wald_lower": found.wald_lower,
        "wald_upper": found.wald_upper,
    }


def area_rows(question: Question, pixel_ha: float) -> pd.DataFrame:
    """Areas in hectares: year, what, estimate_ha, se_ha, lower, upper, wald_lower, wald_upper, n_samples, n_found."""
    total = float(question.sample.stratum_pixels.sum()) * pixel_ha
    rows = []
    for code in question.areas:
        found = {name: round(value * total, 4) for name, value in _row(question.sample.area_share(code)).items()}
        of_class = int((question.sample.reference == code).sum())
        name = question.names[code]
        head = {"year": question.year, "what": "loss" if name == f"loss {question.year}" else name}
        tail = {"n_samples": len(question.sample.reference), "n_found": of_class}
        rows.append(head | found | tail)
    return pd.DataFrame(rows).rename(columns={"estimate": "estimate_ha", "se": "se_ha"})


def accuracy_rows(question: Question) -> pd.DataFrame:
    """Accuracies, 0-1: of, measure, class, estimate, se, lower, upper, wald_lower, wald_upper, n_samples."""
    if not question.of:
        return pd.DataFrame()
    sample, rows = question.sample, []
    overall = sample.overall_accuracy()
    rows.append({"of": question.of, "measure": "overall", "class": "all"} | _row(overall) | {"n_samples": overall.n})
    for code in sample.classes:
        for measure, found in (
            ("user's", sample.users_accuracy(code)),
            ("producer's", sample.producers_accuracy(code)),
        ):
            head = {"of": question.of, "measure": measure, "class": question.names[code]}
            rows.append(head | _row(found) | {"n_samples": found.n})
    return pd.DataFrame(rows).round(6)


def matrix_rows(question: Question) -> pd.DataFrame:
    """The error matrix: of, mapped, reference, n, share (of the area, estimated)."""
    if not question.of:
        return pd.DataFrame()
    names = question.names | {NONE: "not seen"}
    table = question.sample.error_matrix()
    named = table.assign(mapped=table["mapped"].map(names), reference=table["reference"].map(names))
    return named.assign(of=question.of, share=named["share"].round(8))[["of", "mapped", "reference", "n", "share"]]
