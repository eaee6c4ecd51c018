"""What a run's folder holds, and whether it is still what its inputs say.

A stage is current when its key is the recorded one and every file that it wrote still has the recorded
SHA-256. A key is a digest of everything that can change the stage's result: its part of the recipe, the
digests of its inputs, and the version of its method. Clocks decide nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from habitat.errors import StoreError
from habitat.store._atomic import PART
from habitat.store.digests import DigestMemo, digest_file
from habitat.store.locks import LOCK, only_here
from habitat.store.tables import write_json

SCHEMA = 1
"""Version of run.json."""
_MEMO = ".digests.json"


class Run:
    """One run's folder.

    Parameters
    ----------
    folder : Path
        Where it is; made if it is not there.
    identity : dict
        What makes a recipe another one: the folder takes no other.
    recipe : Path
        The recipe's file.

    Raises
    ------
    StoreError
        If the folder holds something else, or the run of another recipe.
    """

    def __init__(self, folder: Path, identity: dict[str, Any], recipe: Path) -> None:
        self.folder = folder
        self._file = folder / "run.json"
        self.digests = DigestMemo(folder / _MEMO)
        self.state: dict[str, Any] = {"schema": SCHEMA, "stages": {}}
        identity = json.loads(json.dumps(identity, default=str))  # as run.json gives it back
        if self._file.exists():
            self.state = _read_state(self._file)
            self._refuse_another(identity, recipe)
        elif folder.exists() and (not folder.is_dir() or not all(map(_is_leftover, folder.iterdir()))):
            raise StoreError(
                "is not empty and holds no run of habitat", where=folder, mend="choose an empty [output] folder"
            )
        self.state |= {"identity": identity, "recipe": self._relative(recipe)}

    def _relative(self, recipe: Path) -> str:
        return Path(os.path.relpath(recipe, self.folder)).as_posix()

    def _refuse_another(self, identity: dict[str, Any], recipe: Path) -> None:
        known = self.state.get("identity")
        mend = "choose another [output] folder, or delete this one"
        if known is not None and known != identity:
            changed = sorted(key for key in {*known, *identity} if known.get(key) != identity.get(key))
            raise StoreError(
                f"holds the run of another recipe ({', '.join(changed)} differ)", where=self.folder, mend=mend
            )
        other = self.folder / self.state.get("recipe", self._relative(recipe))
        if other.exists() and not other.samefile(recipe):
            raise StoreError(f"holds the run of another recipe ({other.name})", where=self.folder, mend=mend)

    def path(self, *parts: str) -> Path:
        """A path inside the folder."""
        return self.folder.joinpath(*parts)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of the folder while the block runs; a killed process frees it.

        Raises
        ------
        StoreError
            If another process is working in the folder.
        """
        with only_here(self.folder, key="[output] folder"):
            if self._file.exists():  # another process may have finished meanwhile
                self.state["stages"] = _read_state(self._file)["stages"]
            try:
                yield
            finally:
                with suppress(StoreError):  # without it the next call takes longer, nothing else
                    self.digests.save()

    def is_current(self, stage: str, key: str) -> bool:
        """Whether `stage` was finished under `key` and its files are still what it wrote."""
        record = self.state["stages"].get(stage, {})
        if record.get("key") != key or not record.get("finished"):
            return False
        return all(
            self.path(name).exists() and self.digests.digest_of(self.path(name)) == known
            for name, known in record["outputs"].items()
        )

    def outputs(self, stage: str) -> dict[str, str]:
        """Relative path to SHA-256 of what a finished stage wrote."""
        return dict(self.state["stages"].get(stage, {}).get("outputs", {}))

    def begin(self, stage: str, key: str) -> Path:
        """Note that `stage` is being worked on; return its folder for finished blocks.

        Blocks of an earlier try under the same key are kept, those of other keys removed, and so are
        files that an earlier run of the stage wrote.
        """
        self.state["stages"][stage] = {
            "key": key,
            "finished": False,
            "outputs": self.outputs(stage),
        }
        self.save()
        work = self.path(".work")
        keep = work / f"{stage}-{key[:16]}"
        for old in work.glob(f"{stage}-*"):
            if old != keep:
                shutil.rmtree(old, ignore_errors=True)
        keep.mkdir(parents=True, exist_ok=True)
        return keep

    def finish(
        self, stage: str, outputs: Sequence[Path], seconds: float, notes: dict[str, Any], inputs: Any = None
    ) -> None:
        """Record `stage` as done with what it wrote; remove what it wrote before and not again, and its blocks."""
        record = self.state["stages"][stage]
        names = {p.relative_to(self.folder).as_posix(): digest_file(p) for p in outputs}
        held = {name for other, known in self.state["stages"].items() if other != stage for name in known["outputs"]}
        for name in set(record["outputs"]) - set(names) - held:  # a file may have passed to another stage
            self.path(name).unlink(missing_ok=True)
        record |= {"finished": True, "outputs": names, "seconds": round(seconds, 2)}
        record |= {"notes": notes, "inputs": inputs}
        self.save()
        shutil.rmtree(self.path(".work"), ignore_errors=True)

    def forget(self, stage: str) -> None:
        """Remove what `stage` wrote, and its record: the recipe does not ask for it any more."""
        for name in self.outputs(stage):
            self.path(name).unlink(missing_ok=True)
        if self.state["stages"].pop(stage, None) is not None:
            self.save()

    def notes(self, stage: str) -> dict[str, Any]:
        """What a finished stage noted down."""
        return dict(self.state["stages"].get(stage, {}).get("notes", {}))

    def save(self) -> None:
        """Write run.json."""
        write_json(self._file, self.state)


def _is_leftover(path: Path) -> bool:
    """Whether a run that was killed before it wrote its state may have left this."""
    return path.name in (LOCK, _MEMO) or path.name.endswith(PART)


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        state["stages"].items()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(
            f"is not a run's state ({error})", where=path, mend="delete the folder and run again"
        ) from error
    if state.get("schema") != SCHEMA:
        raise StoreError(
            f"was written by another version of habitat (schema {state.get('schema')})",
            where=path,
            mend="choose another [output] folder",
        )
    return state
