"""`habitat run RECIPE`, and one command a stage: all do what is out of date, up to their stage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from habitat.cli import COMMANDS
from habitat.errors import HabitatError, RecipeError


def command_for(name: str) -> click.Command:
    """Return the command of a stage; `run` goes to the end."""
    until = "report" if name == "run" else name

    @click.command(name, help=COMMANDS[name])
    @click.argument("recipe", type=click.Path(path_type=Path))
    @click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores")
    @click.option("--dask", metavar="ADDRESS", help="Compute blocks on this Dask scheduler.")
    def command(recipe: Path, workers: int, dask: str | None) -> None:
        run_until(recipe, until, workers=workers, dask=dask)

    return command


def run_until(path: Path, until: str, *, workers: int, dask: str | None) -> None:
    """Run a recipe with progress on standard error and results on standard out."""
    from habitat.cli.progress import showing_progress
    from habitat.recipe import read_recipe
    from habitat.workflow import outdated_words, run_recipe

    recipe = read_recipe(path)
    with ExitStack() as stack:
        executor = None if dask is None else stack.enter_context(_cluster(dask))
        progress = stack.enter_context(showing_progress())
        try:
            results = run_recipe(recipe, until=until, executor=executor, workers=workers, progress=progress)
        except HabitatError as error:
            if old := outdated_words(recipe):
                error.mend = f"{error.mend}; {old}" if error.mend else old
            raise
    done = [result for result in results if result.done]
    if not done:
        click.echo(f"nothing to do: all {len(results)} stages are up to date")
    for result in done:
        click.echo(f"{result.name:<10} {result.seconds:7.1f} s")
        for warning in result.warnings:
            click.echo(f"habitat: warning: {warning}", err=True)
    if old := outdated_words(recipe):
        click.echo(f"habitat: warning: {old}: `habitat run` makes what is missing", err=True)
    click.echo(recipe.folder / "report.html" if until == "report" else recipe.folder)


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    """An executor on the workers of a Dask scheduler; they must see the same folders."""
    try:
        from distributed import Client
    except ImportError as error:
        raise RecipeError(
            "needs Dask", where="--dask", mend="install it with pip install 'habitat-change[dask]'"
        ) from error
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"no Dask scheduler answers ({error})", where=f"--dask {address}", mend="check the address"
        ) from error
    with client:
        yield client.get_executor()
