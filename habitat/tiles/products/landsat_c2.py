"""Landsat Collection 2 Level-2 products as the USGS packs them.

Source: Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619), its twin for Landsat 4-7 (LSDS-1618), and
the Landsat Collection 2 metadata (MTL) definitions (LSDS-1822): `CORNER_*_PRODUCT` are the centres of the outermost
pixels, and `UTM_ZONE` is always a northern zone, with negative northings south of the equator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from habitat.errors import CatalogueError, HabitatError
from habitat.sensors import LANDSAT, LANDSAT_TM, Sensor
from habitat.tiles.angles import angles_by_orbit, landsat_nadir, transform
from habitat.tiles.orbits import LANDSAT_ORBIT, wrs2_centre
from habitat.tiles.products.documents import number_in, parse_mtl, parse_number, parse_time
from habitat.tiles.products.plans import Layer, Placement, Product
from habitat.tiles.products.views import View
from habitat.tiles.scenes import Angles

METADATA = re.compile(r"(?:[^/]+/)?(L[COTEM]\d\d_\w+)_MTL\.(txt|json|xml)")
"""Path of the metadata file, which begins with the product's name."""
PRODUCT_NAME = re.compile(r"L[COTEM]\d\d_L\w{3}_\d{6}_\d{8}_\d{8}_\d\d_(?:T1|T2|RT)")

_SENSORS: Mapping[str, Sensor] = {
    "LC08": LANDSAT,
    "LC09": LANDSAT,
    "LE07": LANDSAT_TM,
    "LT05": LANDSAT_TM,
    "LT04": LANDSAT_TM,
}
_PREFERRED = ("txt", "json", "xml")
_POLAR = {(-71.0, 0.0): "EPSG:3031", (71.0, 0.0): "EPSG:3995", (70.0, -45.0): "EPSG:3413"}
"""True-scale latitude and vertical longitude of the polar stereographic systems that are used."""
_MEND = "download the product again"


def find_metadata(names: Mapping[str, int]) -> dict[str, str]:
    """Return each product's name to its metadata file; .txt is taken before .json before .xml."""
    found = sorted(
        (_PREFERRED.index(match[2].lower()), match[1], name) for name in names if (match := METADATA.fullmatch(name))
    )
    return {product: name for _, product, name in reversed(found)}


def read_landsat(view: View, product: str | None = None) -> Product:
    """Understand a Landsat product; `product` names it in a folder that holds several.

    Raises
    ------
    CatalogueError
        If it is of another level or projection, or its metadata or files are not what the definitions say.
    """
    metadata = find_metadata(view.members)
    name = product or next(iter(metadata), None)
    if name is None or name not in metadata:
        raise CatalogueError("has no *_MTL.txt, .json or .xml", where=view.path, mend=_MEND)
    where = view.path / metadata[name]
    groups = parse_mtl(view.read(metadata[name]), metadata[name], where)
    contents, image = groups.get("PRODUCT_CONTENTS", {}), groups.get("IMAGE_ATTRIBUTES", {})
    level = contents.get("PROCESSING_LEVEL", "unknown level")
    if level not in ("L2SP", "L2SR"):
        raise CatalogueError(
            f"is of {level}, not of Collection 2 Level-2 (L2SP or L2SR)",
            where=where,
            mend="get its surface reflectance",
        )
    sensor = _SENSORS.get(name[:4])
    if sensor is None:
        raise CatalogueError(f"is of a sensor ({name[:4]}) that is not read", where=where)
    record = groups.get("LEVEL2_PROCESSING_RECORD", {})
    generated = record.get("DATE_PRODUCT_GENERATED")
    cloud = image.get("CLOUD_COVER")
    percent = None if cloud is None else parse_number(cloud, "CLOUD_COVER", where)
    path, row = (number_in(image, key, where) for key in ("WRS_PATH", "WRS_ROW"))
    understood = Product(
        name=name,
        sensor=sensor,
        time=parse_time(_moment(image), "DATE_ACQUIRED and SCENE_CENTER_TIME", where),
        processed=None if generated is None else parse_time(generated, "DATE_PRODUCT_GENERATED", where),
        platform=image.get("SPACECRAFT_ID", "landsat").lower().replace("_", "-"),
        collection="landsat-c2-l2",
        tile=f"{path:03.0f}{row:03.0f}",
        cloud_percent=percent if percent is None or percent >= 0 else None,  # -1: not judged
        footprint=None,
        claims=None,
        layers=_layers(view, name, sensor, groups, where),
        placement=_placement(groups.get("PROJECTION_ATTRIBUTES", {}), where),
    )
    return replace(understood, angles=_angles(understood, image, where))


def _angles(product: Product, image: Mapping[str, str], where: object) -> Angles | None:
    """The sun that is stated of the scene's centre, and the view from the path; None where no sun is stated."""
    at = product.placement
    if product.tile is None or not isinstance(at, Placement) or not {"SUN_AZIMUTH", "SUN_ELEVATION"} <= image.keys():
        return None
    azimuth, elevation = (number_in(image, name, where) for name in ("SUN_AZIMUTH", "SUN_ELEVATION"))
    if not 0 < elevation <= 90:
        return None
    middle = wrs2_centre(int(product.tile[:3]), int(product.tile[3:]))
    turned = image.get("NADIR_OFFNADIR", "NADIR") != "NADIR"
    return angles_by_orbit(
        at.crs,
        at.corners,
        sun=(90 - elevation, azimuth),
        middle=middle,
        nadir=None if turned else landsat_nadir(product.tile, product.time, product.platform, _centre(at)),
        orbit=LANDSAT_ORBIT,
    )


def _centre(at: Placement) -> tuple[float, float]:
    west, south, east, north = at.corners
    lon, lat = transform(at.crs, "EPSG:4326", (west + east) / 2, (south + north) / 2)
    return float(lon), float(lat)


def _moment(image: Mapping[str, str]) -> str:
    time = image.get("SCENE_CENTER_TIME", "")
    return f"{image.get('DATE_ACQUIRED')}T{time}"


def _layers(
    view: View, name: str, sensor: Sensor, groups: Mapping[str, Mapping[str, str]], where: object
) -> dict[str, Layer]:
    """The product's files by their own names: its metadata also list what users have removed since."""
    files = {
        match[1].upper(): member
        for member in view.members
        if (match := re.fullmatch(rf"(?:[^/]+/)?{re.escape(name)}_(\w+)\.tiff?", member, re.IGNORECASE))
    }
    scaling = groups.get("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", {})
    layers = {}
    for band, names in sensor.bands.items():
        code = next((n.upper() for n in names if n.upper() in files), None)
        if code is not None:
            number = code.removeprefix("SR_B")
            scale, offset = (number_in(scaling, f"REFLECTANCE_{what}_BAND_{number}", where) for what in ("MULT", "ADD"))
            layers[band] = Layer(files[code], scale, offset)
    for band in ("red", "nir08"):
        if band not in layers:
            raise CatalogueError(f"lacks the {band} band's .TIF", where=view.path, mend=_MEND)
    if "QA_PIXEL" in files:
        layers["quality"] = Layer(files["QA_PIXEL"], nodata=sensor.quality.fill)
    if "QA_RADSAT" in files and sensor.saturation is not None:
        layers["saturation"] = Layer(files["QA_RADSAT"], nodata=sensor.saturation.fill)
    return layers


def _placement(projection: Mapping[str, str], where: object) -> Placement | HabitatError:
    try:
        return _stated_placement(projection, where)
    except CatalogueError as error:
        return error


def _stated_placement(projection: Mapping[str, str], where: object) -> Placement:
    names = ("UL_PROJECTION_X", "LR_PROJECTION_Y", "LR_PROJECTION_X", "UL_PROJECTION_Y")
    west, south, east, north = (number_in(projection, f"CORNER_{name}_PRODUCT", where) for name in names)
    rows, cols = (number_in(projection, f"REFLECTIVE_{name}", where) for name in ("LINES", "SAMPLES"))
    return Placement(
        _crs(projection, north, where),
        (west, south, east, north),
        (int(rows), int(cols)),
        number_in(projection, "GRID_CELL_SIZE_REFLECTIVE", where),
        str(where),
    )


def _crs(projection: Mapping[str, str], north: float, where: object) -> str:
    kind = projection.get("MAP_PROJECTION")
    if projection.get("ORIENTATION", "NORTH_UP") != "NORTH_UP" or projection.get("DATUM", "WGS84") != "WGS84":
        raise CatalogueError("is not north up in WGS84", where=where, mend="get the product as the USGS publishes it")
    if kind == "UTM":
        zone = number_in(projection, "UTM_ZONE", where)
        if zone != int(zone) or not 1 <= abs(zone) <= 60:
            raise CatalogueError(f"says UTM_ZONE = {zone:g}", where=where, mend=_MEND)
        southern = zone < 0 and north > 0  # the USGS itself counts southern northings below zero, in the northern zone
        return f"EPSG:{(32700 if southern else 32600) + abs(int(zone))}"
    if kind == "PS":
        shift = [number_in(projection, f"FALSE_{name}", where) for name in ("EASTING", "NORTHING")]
        latitude, longitude = (number_in(projection, n, where) for n in ("TRUE_SCALE_LAT", "VERTICAL_LON_FROM_POLE"))
        if (latitude, longitude) in _POLAR and not any(shift):
            return _POLAR[latitude, longitude]
    raise CatalogueError(f"has a map projection ({kind}) that is not read", where=where, mend="get it in UTM")
