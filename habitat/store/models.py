"""Classifiers on disk: skops files, which hold no code and are safe to open from a stranger."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from habitat.errors import ReadError
from habitat.store._atomic import replacing

_SCHEMA = "schema.json"
_ADDRESS = re.compile(r'("__id__": |"file": ")(\d+)')

_TRUSTED = ["sklearn.tree._tree.Tree", "sklearn.utils._bunch.Bunch"]
"""Types beyond skops' own list that our classifiers hold: plain arrays, and a dict with names."""


def write_model(path: Path, content: dict[str, Any]) -> None:
    """Write an estimator with what is needed to use it."""
    import skops.io

    with replacing(path) as part:
        part.write_bytes(_same_bytes(skops.io.dumps(content)))


def _same_bytes(archive: bytes) -> bytes:
    """Pack a skops archive anew, so that equal models are equal files: it names its parts after addresses in memory."""
    order: dict[str, int] = {}
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        text = old.read(_SCHEMA).decode()
        text = _ADDRESS.sub(lambda found: f"{found[1]}{order.setdefault(found[2], len(order) + 1)}", text)
        parts = {_SCHEMA: text.encode()}
        for name in old.namelist():
            stem, dot, ending = name.partition(".")
            if name != _SCHEMA:
                parts[f"{order.get(stem, stem)}{dot}{ending}"] = old.read(name)
        for name in sorted(parts):
            new.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), parts[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def read_model(path: Path) -> dict[str, Any]:
    """Read what :func:`write_model` wrote.

    Raises
    ------
    ReadError
        If the file is missing or damaged, or holds a type that a classifier of ours does not.
    """
    import skops.io

    try:
        strange = set(skops.io.get_untrusted_types(file=path)) - set(_TRUSTED)
        if strange:
            raise ReadError(
                f"holds {sorted(strange)[0]}, which is not trusted", where=path, mend="train the model again"
            )
        return dict(skops.io.load(path, trusted=_TRUSTED))
    except ReadError:
        raise
    except Exception as error:  # a damaged archive fails in many classes
        raise ReadError(f"is not a model file ({error})", where=path, mend="train the model again") from error
