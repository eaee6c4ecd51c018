"""Points and polygons from any vector file, always with a reference system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from habitat.errors import HabitatError, RecipeError


def read_shapes(path: Path, *, error: type[HabitatError], mend: str) -> Any:
    """Read a vector file (GeoPackage, GeoJSON, shapefile, GeoParquet) as a GeoDataFrame without empty shapes.

    Parameters
    ----------
    path : Path
    error : type of HabitatError
        What is raised if it is missing, unreadable, without reference system, or empty.
    mend : str
        The remedy that the error names for a missing file.
    """
    import geopandas as gpd

    if not path.exists():
        raise error("there is no such file", where=path, mend=mend)
    if b"<OGRVRT" in _beginning(path):
        raise error("is a virtual file that points at others", where=path, mend="save it as GeoPackage or GeoJSON")
    try:
        shapes = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    except Exception as fault:  # pyogrio, pyarrow and geopandas each have their own
        raise error(
            f"cannot be read as points or polygons ({fault})", where=path, mend="use GeoPackage, GeoJSON or GeoParquet"
        ) from fault
    if "geometry" not in shapes or shapes.crs is None:
        raise error("carries no reference system", where=path, mend="write it with one, or use GeoJSON")
    shapes = shapes[~(shapes.geometry.is_empty | shapes.geometry.isna())]
    if shapes.empty:
        raise error("holds no shape", where=path, mend=mend)
    return shapes


def _beginning(path: Path) -> bytes:
    """The first bytes of a file; none of a folder."""
    if path.is_dir():
        return b""
    with path.open("rb") as file:
        return file.read(4096)


def read_area(path: Path) -> Any:
    """Read a file of polygons as one shapely geometry in degrees.

    Raises
    ------
    RecipeError
        If the file cannot be read, has no reference system, or holds no polygon.
    """
    import shapely

    mend = "[area] region takes a file of polygons"
    shapes = read_shapes(path, error=RecipeError, mend=mend)
    shapes = shapes[shapes.geom_type.isin(["Polygon", "MultiPolygon"])]
    if shapes.empty:
        raise RecipeError("holds no polygon", where=path, mend=mend)
    return shapely.make_valid(shapes.to_crs("EPSG:4326").union_all())
