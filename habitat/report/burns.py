"""Burnt ground in a sentence, where a run looked for it."""

from __future__ import annotations

from habitat.report.folder import RunFolder
from habitat.report.words import hectares, is_number, number


def burnt_ground(run: RunFolder) -> str:
    """Say how much burned and in how many fires; nothing where burns were not looked for."""
    told = run.notes("change").get("burns")
    if not isinstance(told, dict):
        return ""
    forest, ground, fires = (told.get(name) for name in ("burnt_forest_ha", "burnt_open_ha", "fires"))
    if not (is_number(forest) and is_number(ground) and is_number(fires)):
        return ""
    if not fires:
        return "No burnt ground was found. Fires that no clear look shows within weeks are missed."
    opened = told.get("opened_ha")
    became = (
        f" Open ground took the place of {hectares(opened)} of burnt forest." if is_number(opened) and opened else ""
    )
    of = f"{number(fires)} {'fire' if fires == 1 else 'fires'}"
    counted = "pixel count; fields left out" if told.get("fields_left_out") else "pixel count"
    return (
        f"Burnt at least once: {hectares(forest)} of forest and {hectares(ground)} of open ground, in {of}"
        f" ({counted}).{became} Fires under leaves, and those that no"
        " clear look shows within weeks, are missed."
    )
