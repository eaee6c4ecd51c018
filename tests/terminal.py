"""The command line as a person at a terminal sees it."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
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
