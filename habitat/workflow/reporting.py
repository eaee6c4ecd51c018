"""The report stage: everything in the run's folder to one page."""

from __future__ import annotations

from pathlib import Path

from habitat.report import write_report
from habitat.store import write_table
from habitat.workflow.areas import pixel_areas
from habitat.workflow.cells import loss_years
from habitat.workflow.context import Context, Outputs


def make_report(context: Context, _work: Path) -> Outputs:
    """Write areas.csv unless the assess stage did, and report.html from what is in the run's folder."""
    context.progress("report", 0, 1)
    outputs = []
    if context.recipe.forest is not None and context.recipe.assess is None:
        outputs.append(context.run.path("areas.csv"))
        write_table(outputs[0], pixel_areas(context, loss_years(context)))
    outputs.append(write_report(context.run.folder))
    context.progress("report", 1, 1)
    return outputs, {}
