"""Sun and view angles of a Sentinel-2 tile, as its granule's metadata tell them every 5 km.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD, issue 14.9), `MTD_TL.xml`, Tile_Angles.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from habitat.errors import CatalogueError
from habitat.tiles.angles import NODES, make_angles
from habitat.tiles.lattices import interpolate
from habitat.tiles.orbits import directions, vectors
from habitat.tiles.products.documents import elements, parse_number, parse_xml, text_of
from habitat.tiles.scenes import Angles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

METADATA = re.compile(r"(?:.*/)?(?:MTD_TL|S2[A-D]_(?:OPER|USER)_MTD_L2A_TL[^/]*)\.xml")
"""Path of the metadata file within its granule."""
_BAND_IDS = ("1", "2", "3", "8", "11", "12")
"""`bandId` of the bands that are used, which counts B8A after B08."""
_MOST = 512
"""Nodes along a side; real ones have 23."""
_MEND = "download the product again"


def read_granule_angles(content: bytes, where: object) -> Angles | None:
    """Return a tile's angles; None if its metadata tell none.

    The view is the mean over detectors and over the bands that are used, smoothed by a plane: neighbouring detectors
    look forward and back in turn, by about a degree, and one pixel is seen by one of them in each band. The plane also
    tells the view where the swath's edge cuts the last node off.

    Raises
    ------
    CatalogueError
        If it is no XML, or holds grids that are none.
    """
    root = parse_xml(content, where)
    sun = next(elements(root, "Sun_Angles_Grid"), None)
    if sun is None:
        return None
    crs = text_of(root, "HORIZONTAL_CS_CODE")
    left, top = (parse_number(text_of(root, name), name, where) for name in ("ULX", "ULY"))
    step = parse_number(text_of(sun, "COL_STEP"), "COL_STEP", where)
    if crs is None or not re.fullmatch(r"EPSG:32[67]\d\d", crs) or not 0 < step < 1e6:
        raise CatalogueError("says no place of its angles", where=where, mend=_MEND)
    told = _grid(sun, where)
    rows, cols = told.shape[:2]
    x, y = left + step * np.arange(cols), top - step * np.arange(rows)
    if not np.isfinite(told).all() or told[..., 2].min() <= 0:
        raise CatalogueError("says a sun that is not above the ground", where=where, mend=_MEND)
    at_x, at_y = np.linspace(x[0], x[-1], NODES), np.linspace(y[0], y[-1], NODES)
    place = np.meshgrid(at_x, at_y)
    plane = _plane(list(_views(root, told.shape, where)), x, y)
    return make_angles(
        crs,
        at_x,
        at_y,
        sun=directions(interpolate(told, x, y, *place)),
        view=None if plane is None else directions(_on(plane, *place, x, y)),
    )


def _views(root: Element, shape: tuple[int, ...], where: object) -> Iterator[np.ndarray]:
    for grid in elements(root, "Viewing_Incidence_Angles_Grids"):
        if grid.get("bandId") in _BAND_IDS:
            view = _grid(grid, where)
            if view.shape != shape:
                raise CatalogueError("states angles on grids of several sizes", where=where, mend=_MEND)
            yield view


def _grid(element: Element, where: object) -> np.ndarray:
    """Directions (row, column, 3) of a pair of grids, Zenith and Azimuth; NaN outside of a detector."""
    layers = []
    for name in ("Zenith", "Azimuth"):
        part = next(elements(element, name), None)
        texts = [] if part is None else [e.text or "" for e in elements(part, "VALUES")]
        try:
            layer = np.array([[float(value) for value in text.split()] for text in texts])
            if layer.ndim != 2 or not 1 < min(layer.shape) <= max(layer.shape) <= _MOST or np.isinf(layer).any():
                raise ValueError(name)
        except ValueError as error:
            raise CatalogueError(f"says no grid of angles in {name}", where=where, mend=_MEND) from error
        layers.append(layer)
    zenith, azimuth = layers
    if zenith.shape != azimuth.shape or (np.abs(zenith) >= 90).any():
        raise CatalogueError("states zenith and azimuth that are no directions", where=where, mend=_MEND)
    return vectors(zenith, azimuth)


def _plane(views: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Coefficients (3, 2) of a plane through the slopes of the view to east and north, None if there is no view."""
    slopes = [view[..., :2] / view[..., 2:] for view in views]
    seen = [np.isfinite(slope).all(axis=-1) for slope in slopes]
    if not any(mask.any() for mask in seen):
        return None
    at_x, at_y = np.meshgrid(x, y)
    columns = np.concatenate([_terms(at_x[mask], at_y[mask], x, y) for mask in seen])
    values = np.concatenate([slope[mask] for slope, mask in zip(slopes, seen, strict=True)])
    return np.asarray(np.linalg.lstsq(columns, values, rcond=1e-9)[0])


def _on(plane: np.ndarray, at_x: np.ndarray, at_y: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    slopes = _terms(at_x, at_y, x, y) @ plane
    return np.concatenate([slopes, np.ones((*slopes.shape[:-1], 1))], axis=-1)


def _terms(at_x: np.ndarray, at_y: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Regressors (..., 3) of a plane, of about unit size."""
    return np.stack([np.ones_like(at_x), (at_x - x.mean()) / np.ptp(x), (at_y - y.mean()) / np.ptp(y)], axis=-1)
