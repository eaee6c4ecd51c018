"""`habitat assess RECIPE`."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command("assess")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores")
def command(recipe: Path, workers: int) -> None:
    """Tell how right the maps are and how large areas are, from places that people looked at.

    The first time it draws the places and writes a sheet to fill in: a page for the browser, CSV and GeoParquet. With
    the filled-in sheet it estimates areas and accuracies with 95% limits. Maps that are missing are made first.
    """
    from habitat.cli.stage import run_until
    from habitat.recipe import read_recipe
    from habitat.workflow import summarize_assessment

    run_until(recipe, "assess", workers=workers, dask=None)
    for line in summarize_assessment(read_recipe(recipe)):
        click.echo(line)
