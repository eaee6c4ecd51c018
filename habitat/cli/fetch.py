"""`habitat fetch RECIPE`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("fetch")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1, 64), default=8, show_default=True, help="Requests at a time.")
def command(recipe: Path, workers: int) -> None:
    """Find scenes and download what is not here yet: only the area's window of each file.

    The same command goes on after an interruption, and finds scenes that are new since the last time.
    """
    from rich.filesize import decimal

    from habitat.cli.progress import showing_progress
    from habitat.recipe import read_recipe
    from habitat.workflow import fetch_recipe

    settings = read_recipe(recipe)
    with showing_progress() as progress:
        found = fetch_recipe(settings, workers=workers, progress=progress)
    for hole in found.missing:
        click.echo(f"habitat: warning: missing: {hole['scene']} {hole['asset']}: {hole['reason']}", err=True)
    click.echo(f"{found.scenes} scenes are here, {decimal(found.bytes_read)} read from the web this time")
    for layer in found.layers:
        click.echo(found.catalogue.parent / layer)
    click.echo(found.catalogue)
