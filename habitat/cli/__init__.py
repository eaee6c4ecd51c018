"""The command line: one file a command, each imported when it is called.

Exit status: 0 done; 1 something is wrong with the input, said in one line; 2 wrong usage; 3 a bug of ours.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module

import click

import habitat
from habitat.errors import HabitatError

COMMANDS = {
    "init": "Write a commented recipe.toml to start from.",
    "index": "Turn downloaded .SAFE and Landsat products into a STAC catalogue file.",
    "check": "Say what a recipe means, what is missing, and how big the job is.",
    "fetch": "Find scenes and download what is not here yet (resumes).",
    "sample": "Write the simulated sample landscape anywhere, any size.",
    "composite": "Make the seasons' composites.",
    "train": "Train the classifier and judge it.",
    "map": "Map forest, year by year.",
    "change": "Find loss: its year, its date, its probability, its patches.",
    "assess": "Tell how right the maps are, and areas with limits, from places that people looked at.",
    "cells": "Sum up habitat by survey cell.",
    "join": "Join sightings to the habitat of their own day.",
    "occupancy": "Estimate where the animals live.",
    "report": "Write report.html.",
    "watch": "Take in new scenes as they come, and raise alerts.",
    "run": "All of it, doing only what is out of date.",
}
"""In the order of `habitat --help`."""

_VERBOSE = ("-v", "--verbose")

STAGE_COMMANDS = ("composite", "train", "map", "change", "cells", "join", "occupancy", "report", "run")


class _Commands(click.Group):
    """Commands that are imported only when they are called: `habitat --help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"habitat.cli.{'stage' if cmd_name in STAGE_COMMANDS else cmd_name}")
        command: click.Command = module.command_for(cmd_name) if cmd_name in STAGE_COMMANDS else module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        name = args[0] if args else ""
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        if name not in COMMANDS and near and not name.startswith("-"):
            ctx.fail(f"No such command {name!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of any error.")
@click.version_option(habitat.__version__, prog_name="habitat")
def cli(verbose: bool) -> None:
    """From satellite tiles and sightings to habitat loss and where the animals live."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    arguments = sys.argv[1:] if args is None else args
    verbose = any(argument in _VERBOSE for argument in arguments)
    arguments = [argument for argument in arguments if argument not in _VERBOSE]  # wherever it stands
    if not verbose:  # what libraries log of an error is said once, in our words
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        status = cli.main(arguments, prog_name="habitat", standalone_mode=False)
    except click.exceptions.Exit as stop:
        status = stop.exit_code
    except click.Abort:
        _say("stopped; the same command goes on from here")
        status = 130
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except HabitatError as error:
        _trace(verbose)
        _say(f"error: {error}")
        status = 1
    except KeyboardInterrupt:
        _say("stopped; the same command goes on from here")
        status = 130
    except Exception as error:  # noqa: BLE001 - whatever else goes wrong is ours: status 3
        _trace(verbose)
        _say(f"a bug of habitat's: {type(error).__name__}: {error} (run with -v for the traceback, and report it)")
        status = 3
    sys.exit(status if isinstance(status, int) else 0)


def _say(line: str) -> None:
    click.echo(" ".join(f"habitat: {line}".split()), err=True)


def _trace(verbose: bool) -> None:
    if verbose:
        import traceback

        traceback.print_exc()
