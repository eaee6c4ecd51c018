"""`habitat watch RECIPE`."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command("watch")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores")
@click.option("--anew", is_flag=True, help="Forget what was taken in, and begin with the archive.")
def command(recipe: Path, workers: int, anew: bool) -> None:
    """Take in new scenes as they come, and raise alerts where forest is being lost.

    The first time it takes in the whole archive. Call it as often as you like: the answer is that of all scenes in the
    order of their days, however they came. The scenes' source says what is there; the recipe's last year is no limit.
    """
    from habitat.cli.progress import showing_progress
    from habitat.recipe import read_recipe
    from habitat.workflow.watching import watch_recipe

    settings = read_recipe(recipe)
    with showing_progress() as progress:
        found = watch_recipe(settings, workers=workers, anew=anew, progress=progress)
    for warning in found.warnings:
        click.echo(f"habitat: warning: {warning}", err=True)
    if found.taken:
        click.echo(f"took in {len(found.taken)} of {found.looks} looks, the latest {found.taken[-1]}")
    else:
        click.echo(f"nothing new: {found.looks} looks are held")
    click.echo(
        f"{found.alerts} alerts of the last two years: {found.confirmed_ha:.1f} ha confirmed, "
        f"{found.provisional_ha:.1f} ha provisional"
    )
    click.echo(settings.folder / "change" / "alerts.parquet")
