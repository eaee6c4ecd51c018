"""Work in blocks that outlives a kill: each finished block is a small file, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from pathlib import Path
from typing import Any

import numpy as np

from habitat.store._atomic import replacing

Job = Callable[[], dict[str, np.ndarray]]
"""Computes one block; it must be picklable to run in other processes or on a cluster."""


def compute_blocks(work: Path, jobs: Mapping[str, Job], executor: Executor, tick: Callable[[int, int], None]) -> None:
    """Compute the blocks that `work` does not hold yet.

    Parameters
    ----------
    work : Path
        Folder of finished blocks, on a disk that every worker sees.
    jobs : mapping of name to Job
    executor : concurrent.futures.Executor
        Threads, processes or a Dask cluster; results do not depend on it.
    tick : callable (done, total)
        Called as blocks finish.

    Raises
    ------
    HabitatError
        The first that a block raised; what had been finished is kept.
    """
    missing = {name: job for name, job in jobs.items() if not _file(work, name).exists()}
    tick(len(jobs) - len(missing), len(jobs))
    pending = {executor.submit(_compute, _file(work, name), job) for name, job in missing.items()}
    try:
        while pending:
            done, pending = wait(pending, timeout=0.5, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            tick(len(jobs) - len(pending), len(jobs))
    finally:
        for future in pending:
            future.cancel()


def load_block(work: Path, name: str, *, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Return what the job `name` computed, or `only` these arrays of it: the others are not read."""
    with np.load(_file(work, name), allow_pickle=False) as arrays:
        return {key: arrays[key] for key in (arrays if only is None else only)}


def _compute(path: Path, job: Job) -> None:
    arrays: dict[str, Any] = dict(job())
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)


def _file(work: Path, name: str) -> Path:
    return work / f"{name}.npz"
