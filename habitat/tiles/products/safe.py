"""Sentinel-2 Level-2A products as ESA packs them (.SAFE).

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD, issue 14.9), Level-2A user product; the older
names with `L2A_` are those of its issue 13.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from habitat.errors import CatalogueError
from habitat.sensors import SENTINEL2
from habitat.tiles.products.documents import elements, parse_number, parse_time, parse_xml, text_of
from habitat.tiles.products.granules import METADATA as GRANULE_METADATA
from habitat.tiles.products.granules import read_granule_angles
from habitat.tiles.products.plans import Layer, Product
from habitat.tiles.products.views import View
from habitat.tiles.scenes import Angles, OffsetClaims

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

METADATA = re.compile(r"(?:([^/]+)/)?(?:MTD_MSIL2A|S2[A-D]_(?:OPER|USER)_MTD_SAFL2A[^/]*)\.xml")
"""Path of the metadata file; the folder above it may carry the product's name."""
_OTHER_LEVEL = re.compile(r"(?:[^/]+/)?(?:MTD_MSIL1C|S2[A-D]_OPER_MTD_SAFL1C[^/]*)\.xml")
PRODUCT_NAME = re.compile(r"S2[A-D]_(?:MSIL2A_\d{8}T\d{6}_N\d{4}_R\d{3}_T\d\d[A-Z]{3}_\d{8}T\d{6}|\w*PRD_MSIL2A\w*)")

_FILES = {
    "blue": ("B02_10m", "B02_20m"),
    "green": ("B03_10m", "B03_20m"),
    "red": ("B04_10m", "B04_20m"),
    "nir08": ("B8A_20m",),
    "swir16": ("B11_20m",),
    "swir22": ("B12_20m",),
    "quality": ("SCL_20m",),
}
"""Our bands to the ends of files' names: at the pixel at which every catalogue serves them, else coarser."""
_BAND_IDS = {"blue": "1", "green": "2", "red": "3", "nir08": "8", "swir16": "11", "swir22": "12"}
"""`band_id` of the metadata's lists, which count B8A after B08."""
_MEND = "download the product again"


def read_safe(view: View) -> Product:
    """Understand a .SAFE product.

    Raises
    ------
    CatalogueError
        If it is of another level, or its metadata or files are not what the specification says.
    """
    metadata = next((found for name in view.members if (found := METADATA.fullmatch(name))), None)
    if metadata is None:
        if any(_OTHER_LEVEL.fullmatch(name) for name in view.members):
            raise CatalogueError(
                "is a Level-1C product, of which nothing can be mapped", where=view.path, mend="get its Level-2A"
            )
        raise CatalogueError("has no MTD_MSIL2A.xml", where=view.path, mend=_MEND)
    where = view.path / metadata[0]
    root = parse_xml(view.read(metadata[0]), where)
    level = text_of(root, "PROCESSING_LEVEL") or ""
    if not level.startswith("Level-2A"):
        raise CatalogueError(f"is of {level or 'no known level'}, not Level-2A", where=where, mend="get its Level-2A")
    inside = metadata[0].rpartition("/")[0]
    files = _find_files(view, inside)
    quantification = _quantification(root, where)
    offset = _stated_offset(root, where, quantification)
    layers = {
        band: Layer(member) if band == "quality" else Layer(member, 1 / quantification, offset or 0.0)
        for band, member in files.items()
    }
    cloud = text_of(root, "Cloud_Coverage_Assessment", "CLOUD_COVERAGE_ASSESSMENT")
    generated = text_of(root, "GENERATION_TIME")
    tile = re.search(r"(?:^|_)T(\d\d[A-Z]{3})_", files["red"].rpartition("/")[2])
    return Product(
        name=_product_name(view, root, inside),
        sensor=SENTINEL2,
        time=parse_time(text_of(root, "PRODUCT_START_TIME", "DATATAKE_SENSING_START"), "PRODUCT_START_TIME", where),
        processed=None if generated is None else parse_time(generated, "GENERATION_TIME", where),
        platform=(text_of(root, "SPACECRAFT_NAME") or "sentinel-2").lower(),
        collection="sentinel-2-l2a",
        tile=tile[1] if tile else None,
        cloud_percent=None if cloud is None else parse_number(cloud, "Cloud_Coverage_Assessment", where),
        footprint=_footprint(root, where),
        claims=OffsetClaims(_baseline(root, where), removed=False, stated=offset),
        layers=layers,
        angles=_angles(view, files["red"].partition("/IMG_DATA/")[0]),
    )


def _find_files(view: View, inside: str) -> dict[str, str]:
    """Members that hold our bands, by the ends of their names."""
    images = [n for n in view.members if n.startswith(f"{inside}/" if inside else "") and "/IMG_DATA/" in f"/{n}"]
    granules = {name.partition("/IMG_DATA/")[0] for name in images}
    if len(granules) > 1:
        raise CatalogueError(
            f"holds {len(granules)} granules (as products did until 2016)",
            where=view.path,
            mend="get the tile as a product of its own",
        )
    files = {}
    for band, ends in _FILES.items():
        found = [name for end in ends for name in images if name.endswith(f"_{end}.jp2")]
        if found:
            files[band] = found[0]
    for band in ("red", "nir08"):
        if band not in files:
            raise CatalogueError(f"lacks {_FILES[band][0]}.jp2", where=view.path, mend=_MEND)
    return files


def _angles(view: View, granule: str) -> Angles | None:
    """What the granule's own metadata say; None where they are not there."""
    name = next((n for n in view.members if n.startswith(granule) and GRANULE_METADATA.fullmatch(n)), None)
    return None if name is None else read_granule_angles(view.read(name), view.path / name)


def _product_name(view: View, root: Element, inside: str) -> str:
    told = (inside, view.path.name, text_of(root, "PRODUCT_URI", "PRODUCT_URI_2A") or "")
    found = next((m for text in told if (m := PRODUCT_NAME.match(text))), None)
    return found[0] if found else re.sub(r"(?i)(\.SAFE)?(\.zip)?$", "", view.path.name)


def _baseline(root: Element, where: object) -> tuple[int, ...] | None:
    text = text_of(root, "PROCESSING_BASELINE")
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,2}\.\d{1,2}", text):
        raise CatalogueError(f"says PROCESSING_BASELINE = {text[:20]!r}", where=where, mend=_MEND)
    return tuple(int(part) for part in text.split("."))


def _quantification(root: Element, where: object) -> float:
    name = "BOA_QUANTIFICATION_VALUE"
    value = parse_number(text_of(root, name, f"L2A_{name}"), name, where)
    if value <= 0:
        raise CatalogueError(f"says {name} = {value:g}", where=where, mend=_MEND)
    return value


def _stated_offset(root: Element, where: object, quantification: float) -> float | None:
    """Offset of our bands in reflectance, None where the metadata state none."""
    stated = {e.get("band_id"): e.text for e in elements(root, "BOA_ADD_OFFSET")}
    if not stated:
        return None
    offsets = {
        parse_number(stated.get(number), f"BOA_ADD_OFFSET of {band}", where) for band, number in _BAND_IDS.items()
    }
    if len(offsets) > 1:
        raise CatalogueError(
            f"states different offsets for its bands ({', '.join(f'{o:g}' for o in sorted(offsets))})",
            where=where,
            mend=_MEND,
        )
    return offsets.pop() / quantification


def _footprint(root: Element, where: object) -> Any:
    """The seen part of the tile; its metadata write latitude first."""
    import shapely

    text = text_of(root, "EXT_POS_LIST")
    if text is None:
        return None
    numbers = [parse_number(part, "EXT_POS_LIST", where) for part in text.split()]
    points = list(zip(numbers[1::2], numbers[::2], strict=False))
    if len(numbers) % 2 or len(points) < 4 or not all(abs(x) <= 180 and abs(y) <= 90 for x, y in points):
        raise CatalogueError("says no outline in EXT_POS_LIST", where=where, mend=_MEND)
    outline = shapely.Polygon(points)
    return outline if outline.is_valid else shapely.make_valid(outline)
