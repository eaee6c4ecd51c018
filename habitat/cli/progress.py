"""A progress bar on standard error: the stage, how far it is, and the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@contextmanager
def showing_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a callable (stage, done, total) that draws a bar; on a file or pipe, one line a stage."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def tick(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tick


def _lines() -> Callable[[str, int, int], None]:
    begun: set[str] = set()

    def tick(stage: str, done: int, total: int) -> None:
        if stage not in begun:
            begun.add(stage)
            sys.stderr.write(f"{stage} ({total} steps)\n")

    return tick
