"""Models on disk: plain arrays and a page of JSON in one archive, which hold no code and are checked before use."""

from __future__ import annotations

import io
import json
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from habitat.errors import ReadError
from habitat.store._atomic import replacing

FORMAT = "habitat model 1"
MAX_BYTES = 2**28
"""Of a model file, unpacked; a model of ours has less than a million bytes."""
_HEADER = "model.json"
_KINDS = "fiub"
"""Numbers: an array of objects would hold code."""
_DAMAGED = (
    OSError, EOFError, zipfile.BadZipFile, zlib.error,
    ValueError, KeyError, TypeError, RuntimeError,  # also: encrypted, unknown compression, nested too deep
    SyntaxError, tokenize.TokenError, MemoryError,  # an array's header, as numpy reads it
)  # fmt: skip
"""What reading a part that was damaged, or made to do harm, raises."""
_LONGEST = 200
"""Characters of an error's own words."""
_MEND = "train the model again, or ask for the file anew"


def write_model(path: Path, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write plain settings and arrays of numbers; equal content gives equal bytes."""
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, _HEADER, json.dumps({"format": FORMAT, **header}, sort_keys=True, indent=1).encode())
        for name in sorted(arrays):
            packed = io.BytesIO()
            np.lib.format.write_array(packed, np.ascontiguousarray(arrays[name]), version=(1, 0), allow_pickle=False)
            _add(archive, f"{name}.npy", packed.getvalue())


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a part, dated at the zip format's first day."""
    archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def read_model(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what :func:`write_model` wrote: settings and arrays.

    What they mean, and whether they fit together, is for whoever uses them to check.

    Raises
    ------
    ReadError
        If the file is missing or damaged, is no model of ours, is larger than a model can be, or holds anything but
        numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > MAX_BYTES or len(parts) > 100:
                raise ReadError("is larger than a model can be", where=path, mend=_MEND)
            header = json.loads(_content(archive, _HEADER))
            if not isinstance(header, dict) or header.get("format") != FORMAT:
                raise ReadError(f"is not of the format {FORMAT!r}", where=path, mend=_MEND)
            arrays = {
                part.filename.removesuffix(".npy"): _array(_content(archive, part.filename))
                for part in parts
                if part.filename != _HEADER
            }
    except ReadError:
        raise
    except _DAMAGED as error:
        raise ReadError(f"is not a model file ({_one_line(error)})", where=path, mend=_MEND) from error
    return header, arrays


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:_LONGEST]


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    """A part's bytes: no more of them than its entry claims."""
    size = archive.getinfo(name).file_size
    with archive.open(name) as part:
        content = part.read(size + 1)
    if len(content) != size:
        raise ValueError(f"{name} has not the size it claims")
    return content


def _array(content: bytes) -> np.ndarray:
    """An array of numbers, whose bytes are there."""
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array of another version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in _KINDS or dtype.hasobject:
        raise ValueError(f"an array of {dtype}, not of numbers")
    if len(shape) > 4 or len(content) - stream.tell() != int(np.prod(shape, dtype=object)) * dtype.itemsize:
        raise ValueError("an array has not the size it claims")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
