"""Camera-trap data packages (Camtrap DP): a description, deployments, observations and media.

Source: Bubnicki et al. 2024, Remote Sensing in Ecology and Conservation 10, 283-295, and the standard's tables,
version 1.0 (camtrap-dp.tdwg.org): `deploymentStart` and `deploymentEnd` carry their zone, `observationType` tells
animals from people, vehicles and blanks, and `observationLevel` whether a record is of an event or of one picture.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from habitat.errors import RecordsError
from habitat.records.files import RawTable, open_archive, read_member, read_text_table

DESCRIPTION = "datapackage.json"
_NEEDED = ("deployments", "observations")
_MEND = "give the package as it was exported: its folder, its zip, or datapackage.json"


def is_package(path: Path) -> bool:
    """Whether a path is a Camtrap DP: its folder, its description, or a zip that holds one."""
    if path.is_dir():
        return (path / DESCRIPTION).is_file()
    if path.name == DESCRIPTION:
        return path.is_file()
    if path.suffix.lower() != ".zip" or not path.is_file():
        return False
    with open_archive(path) as archive:
        return _inside(archive) is not None


def read_package(path: Path) -> tuple[RawTable, RawTable | None]:
    """Read deployments and observations; None if nothing was observed.

    Raises
    ------
    RecordsError
        If it is no Camtrap DP, or lacks one of its tables.
    """
    if path.suffix.lower() == ".zip":
        with open_archive(path) as archive:
            description = _inside(archive)
            if description is None:
                raise RecordsError(f"holds no {DESCRIPTION}", where=path, mend=_MEND)
            root = PurePosixPath(description).parent
            return _tables(path, lambda name: _member(archive, str(root / name), path))
    folder = path if path.is_dir() else path.parent
    return _tables(path, lambda name: _file(folder, name))


def _tables(path: Path, read: Callable[[str], bytes | None]) -> tuple[RawTable, RawTable | None]:
    text = read(DESCRIPTION)
    if text is None:
        raise RecordsError(f"holds no {DESCRIPTION}", where=path, mend=_MEND)
    try:
        said = json.loads(text.decode("utf-8-sig"))
        listed = {str(resource["name"]): resource.get("path") for resource in said["resources"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordsError(f"{DESCRIPTION} is not that of a data package ({error})", where=path, mend=_MEND) from error
    label = path.name if path.name != DESCRIPTION else path.parent.name
    tables: dict[str, RawTable | None] = {}
    for name in _NEEDED:
        place = listed.get(name)
        if not isinstance(place, str):
            raise RecordsError(f"lists no table {name!r} in one file", where=path, mend=_MEND)
        content = read(place)
        if content is None:
            raise RecordsError(f"lacks {place}", where=path, mend=_MEND)
        named = Path(label) / PurePosixPath(place).name
        raw = read_text_table(content, named)
        tables[name] = RawTable(f"{label}/{named.name}", raw.table, encoding=raw.encoding) if len(raw.table) else None
    deployments = tables["deployments"]
    if deployments is None:
        raise RecordsError("has no deployment", where=path, mend=_MEND)
    return deployments, tables["observations"]


def _inside(archive: zipfile.ZipFile) -> str | None:
    """The description's name in an archive: the one least deep."""
    names = [name for name in archive.namelist() if PurePosixPath(name).name == DESCRIPTION]
    return min(names, key=lambda name: (name.count("/"), name), default=None)


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes | None:
    return read_member(archive, name, path) if name in archive.namelist() else None


def _file(folder: Path, name: str) -> bytes | None:
    place = (folder / name).resolve()
    # a description is written by others: it may name no file outside its own folder
    if not place.is_relative_to(folder.resolve()):
        raise RecordsError(f"{DESCRIPTION} names a file outside its folder ({name})", where=folder, mend=_MEND)
    try:
        return place.read_bytes() if place.is_file() else None
    except OSError as error:
        raise RecordsError(f"cannot be read ({error.strerror or error})", where=place) from error
