"""`habitat check RECIPE`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click


@click.command("check")
@click.argument("recipe", type=click.Path(path_type=Path))
def command(recipe: Path) -> None:
    """Say what a recipe means, what is missing, and how big the job is."""
    from habitat.recipe import read_recipe
    from habitat.workflow import describe

    said = describe(read_recipe(recipe))
    scenes = ", ".join(f"{count} of {sensor}" for sensor, count in said["scenes"].items())
    left_out = ", ".join(f"{count} {reason}" for reason, count in Counter(said["left_out"].values()).items())
    lines = {
        "area": f"{said['area']}, {said['area_km2']:,} km2",
        "grid": said["grid"],
        "years": said["years"],
        "seasons": "; ".join(f"{name} {window}" for name, window in said["seasons"].items()),
        "bands": " ".join(said["bands"]),
        "scenes": f"{scenes} (left out: {left_out or 'none'})",
        "unseen": ", ".join(map(str, said["years_without_scenes"])) or "every year has scenes in the mapping season",
        "covered": f"{1 - said['uncovered_share']:.0%} of the area lies inside the scenes",
        "inputs": ", ".join(f"{count:,} {what}" for what, count in said["counts"].items()) or "none beside the scenes",
        "legend": f"{said['classes']} classes",
        "stages": " ".join(said["stages"]),
        "size": f"{said['observations'] / 1e6:,.0f} million observations to read",
        "output": said["output"],
    }
    for name, text in lines.items():
        click.echo(f"{name:<8} {text}")
