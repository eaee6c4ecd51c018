"""The assess stage: without answers a sample and its sheet, with answers areas and accuracies with their limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from habitat.assess import UNTOLD, Answers, allowed_answers, check_answers
from habitat.errors import EstimationError, RecordsError
from habitat.report import write_sheet_page
from habitat.store import write_table
from habitat.workflow.answers import SHEET, answers_path, read_typed
from habitat.workflow.areas import pixel_areas, with_estimates
from habitat.workflow.cells import loss_years
from habitat.workflow.context import Context, Outputs
from habitat.workflow.estimates import accuracy_rows, area_rows, forest_of, matrix_rows, questions
from habitat.workflow.kept import find_kept, id_of, keep, use
from habitat.workflow.sampling import SAMPLE, STRATA, draw, settings_of, sheet

_ELSEWHERE = 1e-4
"""Degrees, some ten metres: a spreadsheet may round, but not so far."""


def assess(context: Context, work: Path) -> Outputs:
    """Draw the sample and write its sheet; with answers, write areas and accuracies too."""
    run, years = context.run, context.years
    context.progress("assess", 0, 3)
    path = answers_path(context)
    typed = read_typed(path)
    kept = None if typed is None else _kept_for(context, typed, path)
    sample = draw(context, work / "strata.tif") if kept is None else kept
    if kept is None:
        keep(context, sample, work / "strata.tif")
    points = sample["point"].tolist()
    answers = None if typed is None else _checked(context, typed, sample, path)
    if settings_of(context).answers is not None and typed is None:
        lacks = "holds no answer" if path.is_file() else "is not there"
        context.warnings.append(f"{path.name} {lacks} yet: areas stay pixel counts")
    context.progress("assess", 1, 3)
    outputs = [run.path(SAMPLE), run.path(STRATA), run.path("assess/sheet.parquet"), run.path("assess/sheet.html")]
    empty = sheet(sample, years)
    use(context, sample)
    write_table(outputs[2], empty)
    if read_typed(run.path(SHEET)) is None:
        write_table(run.path(SHEET), empty.drop(columns="geometry"))
    elif path != run.path(SHEET):
        context.warnings.append(f"{SHEET} has answers typed in and was left as it is; those of {path.name} are used")
    write_sheet_page(run.folder, classes=settings_of(context).classes, chip_m=settings_of(context).chip_m)
    context.progress("assess", 2, 3)
    counted = pixel_areas(context, loss_years(context))
    tables = {"areas.csv": counted}
    if answers is not None:
        _warn_of_gaps(context, answers, len(points))
        try:
            tables = _estimates(context, sample, answers, counted)
        except EstimationError as error:
            raise EstimationError(error.what, where=path, mend=error.mend) from error
    for name, table in tables.items():
        outputs.append(run.path(name))
        write_table(outputs[-1], table)
    context.progress("assess", 3, 3)
    notes: dict[str, Any] = {"sample": id_of(sample), "points": len(points)}
    notes["strata"] = {
        str(name): {"pixels": int(part["stratum_pixels"].iloc[0]), "samples": len(part)}
        for name, part in sample.groupby("stratum", sort=True)
    }
    if answers is not None:
        notes["pixel_count_ha"] = _counted_losses(counted, tables["assess/areas.csv"])
        notes |= {"answered": int(answers.answered.sum()), "answers": path.name, "sample_kept": kept is not None}
    return outputs, notes


def _kept_for(context: Context, typed: pd.DataFrame, path: Path) -> pd.DataFrame | None:
    """The sample that was answered, if the run still holds it: answers outlive the maps that it was drawn from."""
    try:
        return find_kept(context, typed)
    except RecordsError as error:
        raise RecordsError(error.what, where=path, mend=error.mend) from error


def _checked(context: Context, typed: pd.DataFrame, sample: Any, path: Path) -> Answers:
    allowed = allowed_answers(context.legend, settings_of(context).classes)
    try:
        answers = check_answers(typed, sample["point"].tolist(), context.years, allowed)
        _refuse_moved(typed, sheet(sample, context.years))
        return answers
    except RecordsError as error:
        raise RecordsError(error.what, where=path, mend=error.mend) from error


def _refuse_moved(typed: pd.DataFrame, drawn: Any) -> None:
    """Raise for a place that is not where it was drawn: what was looked at there says nothing of the sample."""
    if not {"longitude", "latitude"} <= set(typed.columns):
        return
    where = drawn.set_index("point").loc[typed["point"].str.strip(), ["longitude", "latitude"]].to_numpy()
    written = typed[["longitude", "latitude"]].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    moved = np.abs(written - where).max(axis=1) > _ELSEWHERE
    if moved.any():
        first = int(np.flatnonzero(moved)[0])
        raise RecordsError(
            f"point {typed['point'].iloc[first]} is not where it was drawn",
            mend="keep longitude and latitude as they are in the sheet, or leave both columns out",
        )


def _warn_of_gaps(context: Context, answers: Answers, points: int) -> None:
    """Say what is missing: places nobody has looked at, and those where nothing could be told."""
    missing = points - int(answers.answered.sum())
    if missing:
        context.warnings.append(
            f"{missing} of {points} places have no answer: estimates rest on the others, as if chance had chosen them"
        )
    untold = int(((answers.states == UNTOLD) & answers.answered[:, None]).any(axis=1).sum())
    if untold:
        context.warnings.append(f"{untold} places could not be told in some year: they are left out of its estimates")
    forest = forest_of(context, answers)
    again = int(((forest[:, :-1] & ~forest[:, 1:]).sum(axis=1) > 1).sum())
    if again:
        context.warnings.append(
            f"{again} places were answered to lose their forest more than once: the first loss counts"
        )


def _counted_losses(counted: pd.DataFrame, estimated: pd.DataFrame) -> dict[str, float]:
    """What the maps count for each year and period of loss that was estimated, hectares by name."""
    by_year = counted[counted["what"] == "loss"].set_index("year")["estimate_ha"]
    sums = {}
    for row in estimated[estimated["what"].str.startswith("loss")].to_dict("records"):
        name = f"loss {row['year']}" if row["what"] == "loss" else str(row["what"])
        first, _, last = name.removeprefix("loss ").partition("-")
        sums[name] = round(float(by_year.loc[int(first) : int(last or first)].sum()), 4)
    return sums


def _estimates(context: Context, sample: Any, answers: Answers, counted: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every table that answers give, by the file's name."""
    pixel_ha = abs(context.grid.transform.a * context.grid.transform.e) / 1e4
    areas, accuracies, matrices = [], [], []
    for question in questions(context, sample, answers):
        areas.append(area_rows(question, pixel_ha))
        accuracies.append(accuracy_rows(question))
        matrices.append(matrix_rows(question))
        for name in question.never_mapped:
            context.warnings.append(
                f"no sampled place is {name!r} on the map of {question.of}: its user's accuracy is unknown"
            )
        for name in question.never_found:
            context.warnings.append(
                f"no place was answered {name!r} for {question.of}: its area has an upper limit alone"
            )
    estimated = pd.concat(areas, ignore_index=True)
    return {
        "areas.csv": with_estimates(counted, estimated),
        "assess/areas.csv": estimated,
        "assess/accuracy.csv": pd.concat(accuracies, ignore_index=True),
        "assess/error_matrix.csv": pd.concat(matrices, ignore_index=True),
    }
