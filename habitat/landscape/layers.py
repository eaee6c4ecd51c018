"""Layers of the user's own, by cell: roads, villages, cattle, prey."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from habitat.errors import GridError


def vector_covariates(cells: gpd.GeoDataFrame, shapes: gpd.GeoDataFrame, *, name: str) -> pd.DataFrame:
    """Return how far from shapes each cell is, and how much of them it holds: one row a cell, in order.

    Parameters
    ----------
    cells : GeoDataFrame
        Polygons, in a system of metres.
    shapes : GeoDataFrame
        Points, lines or polygons in any reference system.
    name : str
        What they are: columns begin with it.

    Returns
    -------
    DataFrame
        `<name>_distance_m` from the cell's centre to the nearest shape, 0 inside one; and of points `<name>_per_km2`,
        of lines `<name>_km_per_km2`, of polygons `<name>_share` of the cell's area.

    Raises
    ------
    GridError
        If the shapes have no reference system, or are of several kinds.
    """
    if shapes.crs is None:
        raise GridError("the shapes have no reference system", where=name, mend="save them with one")
    geometry = shapes.geometry.to_crs(cells.crs).dropna()
    geometry = geometry[~geometry.is_empty].make_valid()
    kinds = set(geometry.geom_type.str.removeprefix("Multi"))
    if len(kinds) != 1 or kinds & {"GeometryCollection"}:
        raise GridError(
            f"holds {' and '.join(sorted(kinds)) or 'nothing'}", where=name, mend="give points, lines or polygons"
        )
    outlines, items = cells.geometry.to_numpy(), np.asarray(geometry.explode().array, dtype=object)
    tree = shapely.STRtree(items)
    middle = shapely.centroid(outlines)
    _, distance = tree.query_nearest(middle, return_distance=True, all_matches=False)
    area_km2 = shapely.area(outlines) / 1e6
    cell, item = tree.query(outlines, predicate="intersects")
    if kinds == {"Point"}:
        what, amount = "per_km2", np.ones(len(cell))
    else:
        parts = shapely.intersection(outlines[cell], items[item])
        if kinds <= {"LineString", "LinearRing"}:
            what, amount = "km_per_km2", shapely.length(parts) / 1e3
        else:
            what, amount = "share", shapely.area(parts) / 1e6
    held = np.bincount(cell, weights=amount, minlength=len(cells)) / area_km2
    if what == "share":
        held = np.minimum(held, 1.0)  # polygons may overlap
    return pd.DataFrame({f"{name}_distance_m": distance, f"{name}_{what}": held})
