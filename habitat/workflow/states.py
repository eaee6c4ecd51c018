"""The states of a watched area, block by block: each block's file is a transaction.

The unit is a pass: the scenes of one flight over the area, joined to one look. Its name is its satellite's and its
time's, so that a scene that was processed anew, or another tile of the same flight, is that pass with other pixels.
Whoever is killed leaves every block as it was before or after (:mod:`habitat.store.alerts`), and the next call brings
all of them to the same passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from habitat.change import AlertRun, BreakRules, Plan, Taken, looks_of, plan, with_all_bands
from habitat.change._state import STATE_VERSION
from habitat.errors import StoreError
from habitat.grids import Block, crop, rasterize, widen
from habitat.store.alerts import read_alert_state, write_alert_state
from habitat.tiles import Scene
from habitat.tiles.overlaps import ONE_PASS, passes_of
from habitat.workflow.looks import Looks

TOGETHER = 24
"""Looks that are read at a time."""
CHECKPOINT_DAYS, CHECKPOINTS = 180.0, 2
"""How far apart states are kept that late scenes can go back to, and how many."""


@dataclass(frozen=True)
class WatchJob:
    """One block's transaction."""

    folder: Path
    block: Block
    passes: dict[Taken, tuple[Scene, ...]]
    looks: Looks
    grid: Any
    outline: Any
    settings: str

    @property
    def file(self) -> Path:
        """The block's state."""
        return self.folder / f"{self.block.index:05}.npz"

    def __call__(self) -> tuple[Taken, ...]:
        """Bring the block's state to all passes that are here; return those that it took in newly."""
        run = self._read(self.file) if self.file.exists() else AlertRun(self.block.shape)
        arrived = _under_held_names(self.passes, run.taken)
        todo, start, kept = self._plan(run, arrived)
        if not todo.scenes:
            return ()
        held = set(run.taken)
        if gone := next((scene for scene in todo.scenes if scene not in arrived), None):
            raise StoreError(
                f"an older scene came, and {gone.scene}, which was taken in after it, is not here any more",
                where=self.file,
                mend="put it back, or begin with what is here: `habitat watch RECIPE --anew`",
            )
        anchor, read = _anchor(start.taken), self._read_looks([arrived[scene] for scene in todo.scenes])
        for scene in todo.scenes:
            if anchor is None or scene.day - anchor >= CHECKPOINT_DAYS:
                if start.taken:
                    kept[len(start.taken)] = self._checkpoint(len(start.taken))
                    self._write(start, kept[len(start.taken)])
                anchor = scene.day
            start.take(scene, next(read))
        self._write(start, self.file)
        keep = {kept[count] for count in sorted(kept)[-CHECKPOINTS:]}
        for file in set(self.folder.glob(f"{self.file.stem}-*.npz")) - keep:
            file.unlink()
        return tuple(scene for scene in todo.scenes if scene not in held)

    def _plan(self, run: AlertRun, arrived: Collection[Taken]) -> tuple[Plan, AlertRun, dict[int, Path]]:
        """What to take in, the state to take it into, and the checkpoints that are older than it."""
        files = {int(file.stem.rpartition("-")[2]): file for file in self.folder.glob(f"{self.file.stem}-*.npz")}
        while True:
            todo = plan(run.taken, list(arrived), [0, *files])
            if todo.checkpoint is None:
                return todo, run, files
            older = {count: file for count, file in files.items() if count <= todo.checkpoint}
            if not todo.checkpoint:
                return todo, AlertRun(self.block.shape), {}
            start = self._read(files[todo.checkpoint])
            if start.taken == run.taken[: todo.checkpoint]:
                return todo, start, older
            del files[todo.checkpoint]  # of a call that was killed

    def _checkpoint(self, count: int) -> Path:
        return self.folder / f"{self.file.stem}-{count:06}.npz"

    def _read(self, file: Path) -> AlertRun:
        return read_state(file, self.settings)

    def _write(self, run: AlertRun, file: Path) -> None:
        about, arrays = run.pack()
        write_alert_state(file, about | {"settings": self.settings}, arrays)

    def _read_looks(self, passes: Sequence[tuple[Scene, ...]]) -> Iterator[np.ndarray]:
        """The looks of passes, each float32 (6, y, x), some at a time; nothing outside the area."""
        reading, core = widen(self.block, self.grid, self.looks.reach(self.grid))
        window = crop(self.grid, reading)
        inside = rasterize([self.outline], [1], crop(self.grid, self.block)) > 0
        for first in range(0, len(passes), TOGETHER):
            some = passes[first : first + TOGETHER]
            scenes = [scene for group in some for scene in group]
            _, values = looks_of(with_all_bands(self.looks.read(scenes, window).isel(y=core[0], x=core[1])))
            place = {_names(group): step for step, group in enumerate(passes_of(scenes))}
            for group in some:
                yield np.where(inside, values[place[_names(group)]], np.float32(np.nan))


def _names(scenes: Sequence[Scene]) -> frozenset[str]:
    return frozenset(scene.id for scene in scenes)


def call(job: WatchJob) -> tuple[Taken, ...]:
    """Do a block's work: what an executor maps."""
    return job()


def read_state(file: Path, settings: str) -> AlertRun:
    """Read a block's state.

    Raises
    ------
    StoreError
        If it was made by other settings or other rules.
    """
    about, arrays = read_alert_state(file, state_version=STATE_VERSION)
    run = AlertRun.unpack(about, arrays)
    if about.get("settings") != settings or run.rules != BreakRules():
        raise StoreError(
            "holds looks that were made by other settings, or on another grid",
            where=file,
            mend="go back to the settings of [scenes] and [area], or begin anew: `habitat watch RECIPE --anew`",
        )
    return run


def _under_held_names(
    passes: Mapping[Taken, tuple[Scene, ...]], held: Sequence[Taken]
) -> dict[Taken, tuple[Scene, ...]]:
    """The passes, each under the name of the one that is held of the same satellite within half an hour."""
    within = ONE_PASS / timedelta(days=1)
    by_satellite: dict[str, list[Taken]] = {}
    for taken in held:
        by_satellite.setdefault(taken.scene.split()[0], []).append(taken)
    named = {}
    for each, scenes in passes.items():
        near = [t for t in by_satellite.get(each.scene.split()[0], ()) if abs(t.day - each.day) <= within]
        nearest = min(near, key=lambda t: abs(t.day - each.day), default=each)
        named[each._replace(scene=nearest.scene)] = scenes
    return named


def _anchor(taken: Sequence[Taken]) -> float | None:
    """The day from which the next checkpoint is counted: it follows from the passes alone."""
    anchor = None
    for scene in taken:
        if anchor is None or scene.day - anchor >= CHECKPOINT_DAYS:
            anchor = scene.day
    return anchor
