"""Results of an earlier run that stand beside newer ones: which they are, told from the run's own account."""

from __future__ import annotations

from habitat.errors import HabitatError
from habitat.recipe import Recipe
from habitat.store import Run
from habitat.workflow.stages import STAGES, open_run

_NAMED = 2


def outdated_stages(run: Run) -> dict[str, list[str]]:
    """Return the stages whose files are of an earlier run than what they were made from, and those files.

    That is so after a stage failed or was stopped, and after a command that went no further than an earlier stage.
    """
    found: dict[str, list[str]] = {}
    for stage in STAGES:
        record = run.state["stages"].get(stage.name, {})
        held = sorted(name for name in record.get("outputs", {}) if run.path(name).exists())
        if not held:
            continue
        read = record.get("inputs") or {}
        now = {name: known for before in stage.after for name, known in run.outputs(before).items()}
        is_older = any(read.get(name) != known for name, known in now.items())
        if not record.get("finished") or is_older or any(before in found for before in stage.after):
            found[stage.name] = held
    return found


def outdated_words(recipe: Recipe) -> str:
    """Say in a few words which results of a recipe are of an earlier run; nothing where all fits together."""
    try:
        found = outdated_stages(open_run(recipe))
    except HabitatError:  # the folder holds something else: that is said where the run is opened
        return ""
    if not found:
        return ""
    files = [name for held in found.values() for name in held]
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    verb = "is" if len(files) == 1 else "are"
    return f"{', '.join(files[:_NAMED])}{more} ({', '.join(found)}) {verb} of an earlier run"
