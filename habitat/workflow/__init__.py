"""The stages in order: from a recipe to a run's folder.

The order of the stages and what each depends on is the table in :mod:`habitat.workflow.stages`; what each
does is a function of the module named there, which takes the :class:`~habitat.workflow.context.Context`.
"""

from habitat.workflow.answers import summarize_assessment
from habitat.workflow.context import Context, Plan
from habitat.workflow.downloads import Downloads, fetch_recipe
from habitat.workflow.outdated import outdated_stages, outdated_words
from habitat.workflow.overview import describe
from habitat.workflow.stages import STAGES, StageResult, run_recipe

__all__ = [
    "STAGES",
    "Context",
    "Downloads",
    "Plan",
    "StageResult",
    "describe",
    "fetch_recipe",
    "outdated_stages",
    "outdated_words",
    "run_recipe",
    "summarize_assessment",
]
