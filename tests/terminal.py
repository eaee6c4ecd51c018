"""The command line as a person at a terminal sees it."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from habitat.cli import main

FEW_TREES = 15
"""Of the classifier, where it does not matter how good a map is."""


class Said(NamedTuple):
    """What a command left behind."""

    status: object
    out: str
    err: str


def run(*args: object) -> Said:
    """Run `habitat ARGS` in this process."""
    out, err = io.StringIO(), io.StringIO()
    status: object = None
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(arg) for arg in args])
        except SystemExit as stop:
            status = stop.code
    return Said(status, out.getvalue(), err.getvalue())


def edit(land: Path, old: str, new: str) -> None:
    """Change a landscape's recipe as with an editor."""
    path = land / "recipe.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
