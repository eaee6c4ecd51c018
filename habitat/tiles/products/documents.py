"""Read products' metadata: XML without entities, the USGS's ODL, JSON."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from habitat.errors import CatalogueError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_DEPTH = 64
"""Of nested elements or groups: real metadata has less than a dozen."""
_MEND = "the product may be damaged: download it again"
_ODL_LINE = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*")


def parse_xml(content: bytes, where: object) -> Element:
    """Return the root of an XML document that declares no types and no entities.

    Raises
    ------
    CatalogueError
        If it is not XML, is nested too deeply, or declares entities: these can fill the memory or name local files.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    depth, root = 0, None
    try:
        for event, element in iterparse(io.BytesIO(content), ("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            if depth > MAX_DEPTH:
                raise CatalogueError(f"nests elements more than {MAX_DEPTH} deep", where=where, mend=_MEND)
            root = element if root is None else root
    except DefusedXmlException as error:
        raise CatalogueError(
            f"declares document types or entities ({type(error).__name__})", where=where, mend="do not trust it"
        ) from error
    except (ParseError, ValueError, LookupError) as error:  # LookupError: an encoding nobody knows
        if isinstance(error, CatalogueError):
            raise
        raise CatalogueError(f"is not XML ({error})", where=where, mend=_MEND) from error
    if root is None:
        raise CatalogueError("is empty", where=where, mend=_MEND)
    return root


def local_name(element: Element) -> str:
    """Name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def elements(root: Element, *names: str) -> Iterator[Element]:
    """Yield the elements of these names, wherever they stand."""
    return (element for element in root.iter() if local_name(element) in names)


def text_of(root: Element, *names: str) -> str | None:
    """Text of the first element of these names that has any."""
    return next((e.text.strip() for e in elements(root, *names) if e.text and e.text.strip()), None)


def parse_mtl(content: bytes, name: str, where: object) -> dict[str, dict[str, str]]:
    """Return the groups of a Landsat MTL, by its file's ending: ODL (.txt), .json or .xml.

    Raises
    ------
    CatalogueError
        If it cannot be parsed or holds no group.
    """
    ending = name.rpartition(".")[2].lower()
    parse = {"txt": _odl_groups, "json": _json_groups, "xml": _xml_groups}[ending]
    groups = parse(content, where)
    if not groups:
        raise CatalogueError("holds no group of metadata", where=where, mend=_MEND)
    return groups


def _odl_groups(content: bytes, where: object) -> dict[str, dict[str, str]]:
    """Groups of `NAME = value` lines; the outermost group only wraps the others."""
    groups: dict[str, dict[str, str]] = {}
    opened: list[str] = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip("\0 \t"):
            continue
        if line.strip() == "END":
            break
        found = _ODL_LINE.fullmatch(line)
        if found is None:
            raise CatalogueError(f"line {number} is not NAME = value", where=where, mend=_MEND)
        key, value = found[1], found[2].strip('"')
        if key == "GROUP":
            opened.append(value)
        elif key == "END_GROUP":
            if not opened or opened.pop() != value:
                raise CatalogueError(f"line {number} ends a group that is not open", where=where, mend=_MEND)
        elif opened:
            groups.setdefault(opened[-1], {})[key] = value
        if len(opened) > MAX_DEPTH:
            raise CatalogueError(f"nests groups more than {MAX_DEPTH} deep", where=where, mend=_MEND)
    return groups


def _json_groups(content: bytes, where: object) -> dict[str, dict[str, str]]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"is not JSON ({error})", where=where, mend=_MEND) from error
    groups = data.get("LANDSAT_METADATA_FILE") if isinstance(data, dict) else None
    if not isinstance(groups, dict):
        return {}
    return {
        name: {key: str(value) for key, value in group.items()}
        for name, group in groups.items()
        if isinstance(group, dict)
    }


def _xml_groups(content: bytes, where: object) -> dict[str, dict[str, str]]:
    root = parse_xml(content, where)
    return {local_name(group): {local_name(e): (e.text or "").strip() for e in group} for group in root if len(group)}


def number_in(fields: Mapping[str, Any], name: str, where: object) -> float:
    """Return a number that metadata must state.

    Raises
    ------
    CatalogueError
        If it is not there, or is no finite number.
    """
    return parse_number(fields.get(name), name, where)


def parse_number(text: Any, name: str, where: object) -> float:
    """Return the finite number that `text` writes."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = float("nan")
    if not abs(value) < float("inf"):
        what = f"does not say {name}" if text is None else f"says {name} = {str(text)[:40]!r}, which is no number"
        raise CatalogueError(what, where=where, mend=_MEND)
    return value


def parse_time(text: str | None, name: str, where: object) -> datetime:
    """Return the UTC time that `text` writes in ISO 8601.

    Raises
    ------
    CatalogueError
        If it writes none.
    """
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?Z?", text or "")
    try:
        if found is None:
            raise ValueError(text)
        microsecond = int((found[2] or ".0")[1:7].ljust(6, "0"))
        return datetime.fromisoformat(found[1]).replace(microsecond=microsecond, tzinfo=UTC)
    except ValueError as error:
        raise CatalogueError(f"says no time in {name} ({text!r})", where=where, mend=_MEND) from error
