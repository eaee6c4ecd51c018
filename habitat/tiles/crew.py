"""Threads that work on many downloads at a time, and end together."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from habitat.errors import FetchError, HabitatError, ReadError, StoreError
from habitat.store import shown
from habitat.tiles.answers import ChangedError
from habitat.tiles.downloads import Download

if TYPE_CHECKING:
    from habitat.tiles.remote import Remote

Progress = Callable[[str, int, int], None]
"""Told of a stage, how much of it is done and how much there is."""

_SPARE = 2**26
"""Bytes of disk that are left free."""

Key = tuple[int, str]
"""Number of a scene and name of its file."""
Jobs = Mapping[Key, tuple[Download, str]]
Step = Callable[[], None]


class Crew:
    """Threads that work on many downloads; the first one to fail takes the rest of its scene with it, or of all."""

    def __init__(self, remote: Remote, folder: Path, *, workers: int, strict: bool, progress: Progress | None) -> None:
        self._remote, self._folder, self._workers = remote, folder, workers
        self._strict, self._progress = strict, progress
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._lost: dict[int, tuple[str, FetchError]] = {}
        self._done = self._total = 0

    def fetch(self, jobs: Jobs) -> dict[int, tuple[str, str]]:
        """Do all of `jobs`, each with what it is called; return what failed: by number, its name and the reason."""
        with ExitStack() as ending:
            ending.callback(self._remote.go_on)  # last, when no thread is left that could take it for its own
            pool = ending.enter_context(ThreadPoolExecutor(self._workers, "fetch"))
            self._total = len(jobs)

            def look(job: Download) -> None:
                job.look()
                self._tell(1, "headers")

            self._all(pool, [(key, partial(look, job)) for key, (job, _) in jobs.items()], jobs)
            wanted = {
                key: job
                for key, (job, _) in jobs.items()
                if key[0] not in self._lost and not (job.is_here or job.is_outside)
            }
            self._done, self._total = 0, sum(job.weight for job in wanted.values())
            self._refuse_full(list(wanted.values()))
            self._tell(0)
            left = {key: len(job.ranges) for key, job in wanted.items()}
            changed: set[Key] = set()

            def step(key: Key, job: Download, span: tuple[int, int] | None) -> None:
                try:
                    if span is not None:
                        job.take(*span)
                        self._tell(span[1] - span[0])
                    with self._lock:
                        left[key] -= 1
                        is_last = left[key] <= 0
                    if is_last:
                        job.finish()
                        self._tell(job.weight if span is None else 0)
                except ChangedError:
                    changed.add(key)

            steps = [(key, partial(step, key, job, span)) for key, job in wanted.items() for span in _spans(job)]
            self._all(pool, steps, jobs)
            self._all(pool, [(key, wanted[key].restart) for key in sorted(changed)], jobs)
        return {number: (name, error.what) for number, (name, error) in self._lost.items()}

    def _all(self, pool: ThreadPoolExecutor, steps: Sequence[tuple[Key, Step]], jobs: Jobs) -> None:
        futures = [pool.submit(self._one, key, *jobs[key], step) for key, step in steps]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:  # also an interrupt: what is in flight ends, nothing new begins
            self._end()
            for future in futures:
                future.cancel()
            raise
        if self._strict and self._lost:
            raise self._lost[min(self._lost)][1]

    def _one(self, key: Key, job: Download, name: str, step: Step) -> None:
        if self._stop.is_set() or key[0] in self._lost:
            return
        problem: HabitatError
        try:
            step()
            return
        except (FetchError, ReadError) as error:
            problem = error
        where = f"{name} ({shown(job.asset.href)})"
        with self._lock:
            self._lost.setdefault(key[0], (key[1], FetchError(problem.what, where=where, mend=problem.mend)))
        if self._strict:
            self._end()

    def _end(self) -> None:
        self._stop.set()
        self._remote.halt()

    def _tell(self, done: int, stage: str = "fetch") -> None:
        with self._lock:
            self._done = min(self._done + done, self._total)
            if self._progress is not None and self._total:
                self._progress(stage, self._done, self._total)

    def _refuse_full(self, wanted: Sequence[Download]) -> None:
        """Refuse to begin what the disk will not hold."""
        if not wanted:
            return
        largest = sorted((job.scratch for job in wanted), reverse=True)[: self._workers]
        needed = sum(job.space for job in wanted) + sum(largest) + _SPARE
        there = next(each for each in (self._folder, *self._folder.absolute().parents) if each.exists())
        free = shutil.disk_usage(there).free
        if free < needed:
            raise StoreError(
                f"{_mega(needed)} are needed and {_mega(free)} are free",
                where=self._folder,
                mend="free some space, choose another folder, or ask for fewer years",
            )


def _spans(job: Download) -> list[tuple[int, int] | None]:
    """What is fetched step by step; one step without bytes where all that is left is to decode."""
    return [*job.ranges] if job.ranges else [None]


def _mega(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
