"""`habitat sample DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

PRESETS = "[standard|full|hard]"
"""Those of :mod:`habitat.simulate`, which takes too long to load for a list of names."""


@click.command("sample")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--size-km", type=click.FloatRange(min=0.6), default=3.0, show_default=True, help="Side of the square.")
@click.option("--seed", type=click.IntRange(min=0), default=7000, show_default=True, help="Another seed, another land.")
@click.option(
    "--layout",
    type=click.Choice(["catalogue", "products"]),
    default="catalogue",
    show_default=True,
    help="Scenes as a catalogue serves them, or as products are downloaded.",
)
@click.option("--preset", metavar=PRESETS, default="standard", show_default=True, help="What kind of landscape.")
@click.option("--looks", type=int, help="Dates a year, 4 to 40; default: those of the preset.")
def command(
    folder: Path, size_km: float, seed: int, layout: Literal["catalogue", "products"], preset: str, looks: int | None
) -> None:
    """Write the simulated sample landscape anywhere, any size.

    DIR then holds scenes, labels, sightings, their truth, and a recipe that runs on them.
    """
    from habitat.simulate import find_preset, write_sample

    write_sample(
        folder,
        size_km=size_km,
        seed=seed,
        layout=layout,
        preset=preset if looks is None else find_preset(preset).with_looks(looks),
    )
    if layout == "products":
        click.echo(f"habitat: note: `habitat index {folder}` writes the catalogue that the recipe names", err=True)
    click.echo(folder / "recipe.toml")
