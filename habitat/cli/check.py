"""`habitat check RECIPE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("check")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--scenes", "list_scenes", is_flag=True, help="List every scene: used, or why not, and by which rules.")
def command(recipe: Path, list_scenes: bool) -> None:
    """Say what a recipe means, what is missing, and how big the job is."""
    from habitat.cli.progress import showing_progress
    from habitat.recipe import read_recipe
    from habitat.workflow import describe

    with showing_progress() as progress:
        said = describe(read_recipe(recipe), progress=progress)
    scenes = ", ".join(f"{count} of {sensor}" for sensor, count in said["scenes"].items())
    left_out = ", ".join(f"{count} {reason}" for reason, count in said["reasons"].items())
    lines = {
        "area": f"{said['area']}, {said['area_km2']:,} km2",
        "grid": said["grid"],
        "years": said["years"],
        "seasons": "; ".join(f"{name} {window}" for name, window in said["seasons"].items()),
        "bands": " ".join(said["bands"]),
        "looks": said["looks"],
        "change": said["change"],
        "source": said["source"],
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
    for file, read in said["records"].items():
        aside = f", {read['set_aside']:,} set aside" if read["set_aside"] else ""
        aside += f", {read['other_species']:,} of other species" if read["other_species"] else ""
        click.echo(f"{'records':<8} {file}: {read['format']} {read['holds']}, {read['records']:,} records{aside}")
    if list_scenes:
        _echo_scenes(said)
    for warning in said["warnings"]:
        click.echo(f"habitat: warning: {warning}", err=True)


def _echo_scenes(said: dict[str, Any]) -> None:
    click.echo("\nScenes are chosen by these rules, in this order:")
    for number, rule in enumerate(said["rules"], 1):
        click.echo(f"  {number}. {rule}")
    click.echo("\nused")
    for line in said["used"]:
        click.echo(f"  {line}")
    if said["left_out"]:
        click.echo("\nleft out")
    for scene, reason in sorted(said["left_out"].items()):
        click.echo(f"  {scene}: {reason}")
