"""Progress on standard error: the stage, how far it is, and the time left; downloads in bytes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

IN_BYTES = frozenset({"fetch"})
"""Stages whose steps are bytes."""

Tick = Callable[[str, int, int], None]


class _Amount(ProgressColumn):
    """Steps, or bytes where a stage counts those."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes, self._steps = DownloadColumn(), MofNCompleteColumn()

    def render(self, task: Task) -> Text:
        return (self._bytes if task.description in IN_BYTES else self._steps).render(task)


@contextmanager
def showing_progress() -> Iterator[Tick]:
    """Give a callable (stage, done, total) that draws a bar; on a file or pipe, a line a stage and a tenth of bytes."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (TextColumn("{task.description:<10}"), BarColumn(), _Amount(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def tick(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tick


def _lines() -> Tick:
    begun: dict[str, float] = {}
    tenths: dict[str, int] = {}

    def tick(stage: str, done: int, total: int) -> None:
        if stage not in begun:
            begun[stage] = time.monotonic()
            sys.stderr.write(f"{stage} ({decimal(total) if stage in IN_BYTES else f'{total} steps'})\n")
        tenth = 10 * done // max(total, 1)
        if stage in IN_BYTES and tenth > tenths.get(stage, 0):
            tenths[stage] = tenth
            left = (time.monotonic() - begun[stage]) * (total - done) / max(done, 1)
            sys.stderr.write(f"{stage} {decimal(done)} of {decimal(total)}, about {left:.0f} s left\n")

    return tick
