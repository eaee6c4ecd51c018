"""`habitat index FOLDER`."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click


@click.command("index")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="The catalogue [FOLDER/catalog.json].")
@click.option(
    "--cache", metavar="DIR", type=click.Path(path_type=Path), help="Where decoded bands go [.habitat beside FILE]."
)
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores")
def command(folder: Path, out: Path | None, cache: Path | None, workers: int) -> None:
    """Turn downloaded products into a STAC catalogue file.

    Finds Sentinel-2 L2A (.SAFE, .zip), Landsat Collection 2 Level-2 (folder, .tar, .tar.gz) and GeoTIFFs with STAC
    items anywhere below FOLDER. Bands that are slow to read are decoded once. Run it again when products have come or
    gone: it does only what is new.
    """
    from habitat.cli.progress import showing_progress
    from habitat.tiles.products import index_products

    with showing_progress() as progress, ThreadPoolExecutor(workers) as executor:
        index = index_products(folder, catalogue=out, cache=cache, executor=executor, progress=progress)
    for name, reason in index.refused.items():
        click.echo(f"habitat: warning: {name} is refused: {reason}", err=True)
    for note in index.notes:
        click.echo(f"habitat: note: {note}", err=True)
    for sensor, count in sorted(Counter(scene.sensor.name for scene in index.scenes).items()):
        days = [scene.day for scene in index.scenes if scene.sensor.name == sensor]
        click.echo(f"{sensor:<12} {count} {'scene' if count == 1 else 'scenes'}, {min(days)} to {max(days)}")
    click.echo(index.catalogue)
