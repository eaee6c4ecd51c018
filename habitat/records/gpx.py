"""GPX files of hand-held receivers: tracks are patrols, waypoints what was found.

Source: GPX 1.1 schema (topografix.com, 2004): times are UTC, coordinates WGS 84 degrees.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import geopandas as gpd
import pandas as pd
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from habitat.errors import RecordsError
from habitat.records.files import RawTable
from habitat.records.values import WGS84

_TEXTS = ("name", "type", "desc", "cmt", "sym")


def read_gpx(path: Path) -> tuple[RawTable | None, RawTable | None]:
    """Read the fixes of tracks, and the waypoints, of a GPX file.

    A waypoint's species is what its <type> says, else its <name>, <desc> or <cmt>, the first that is more than a
    number. Routes are plans, not tracks: they are not read.

    Returns
    -------
    fixes, waypoints : RawTable or None
        None: it holds none. Rows are numbered from 1.

    Raises
    ------
    RecordsError
        If it is no GPX, or holds neither.
    """
    try:
        root = fromstring(path.read_bytes())
    except OSError as error:
        raise RecordsError(f"cannot be read ({error.strerror or error})", where=path) from error
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise RecordsError(f"is not a GPX file ({error})", where=path, mend="save it as GPX 1.1") from error
    if _tag(root) != "gpx":
        raise RecordsError(f"is not a GPX file (<{_tag(root)}>)", where=path, mend="save it as GPX 1.1")
    fixes, waypoints = _fixes(root, path), _waypoints(root)
    if not fixes and not waypoints:
        raise RecordsError("holds neither tracks nor waypoints", where=path, mend="leave it out")
    return _raw(path, fixes), _raw(path, waypoints)


def _fixes(root: Any, path: Path) -> list[dict[str, Any]]:
    rows = []
    names: dict[str, int] = {}
    for number, track in enumerate(_children(root, "trk"), 1):
        name = _text(track, "name") or f"{path.stem}-{number}"
        names[name] = names.get(name, 0) + 1
        patrol = name if names[name] == 1 else f"{name} ({names[name]})"
        for part, segment in enumerate(_children(track, "trkseg")):
            for fix in _children(segment, "trkpt"):
                rows.append({"patrol": patrol, "part": part, "time": _utc(_text(fix, "time")), **_place(fix)})
    return rows


def _waypoints(root: Any) -> list[dict[str, Any]]:
    rows = []
    for point in _children(root, "wpt"):
        texts = {name: _text(point, name) for name in _TEXTS}
        said = (texts[name] for name in ("type", "name", "desc", "cmt"))
        species = next((text for text in said if text and re.search(r"[^\W\d_]", text)), None)
        rows.append({"species": species, "time": _utc(_text(point, "time")), **texts, **_place(point)})
    return rows


def _raw(path: Path, rows: list[dict[str, Any]]) -> RawTable | None:
    if not rows:
        return None
    table = pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1))
    x, y = pd.to_numeric(table.pop("lon"), errors="coerce"), pd.to_numeric(table.pop("lat"), errors="coerce")
    points = gpd.GeoSeries(gpd.points_from_xy(x, y), index=table.index, crs=WGS84)
    points[(x.isna() | y.isna()).to_numpy()] = None
    return RawTable(path.name, table, points)


def _place(element: Any) -> dict[str, Any]:
    return {"lat": element.get("lat"), "lon": element.get("lon")}


def _utc(text: str | None) -> str | None:
    """A time without a zone is UTC, by the schema."""
    return f"{text}Z" if text and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", text) else text


def _tag(element: Any) -> str:
    return str(element.tag).rsplit("}", 1)[-1]


def _children(element: Any, name: str) -> list[Any]:
    return [child for child in element if _tag(child) == name]


def _text(element: Any, name: str) -> str | None:
    found = next((child.text for child in element if _tag(child) == name), None)
    return found.strip() or None if found else None
