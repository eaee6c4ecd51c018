"""Simulated scenes in the layouts in which real products are downloaded.

Sentinel-2 as ESA packs it (.SAFE, JPEG 2000, raw digital numbers: from processing baseline 04.00 on they are 1000
higher than the catalogue's, which has taken the offset out), Landsat as the USGS packs it.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np

from habitat.errors import StoreError
from habitat.simulate.area import Area
from habitat.simulate.catalogue import is_new, scene_id
from habitat.simulate.metadata import granule_text, landsat_text, sentinel2_text
from habitat.simulate.presets import LANDSAT, SENTINEL2
from habitat.simulate.scenes import Asset, Scene

PACKINGS = {
    SENTINEL2: (("folder", True), ("zip", True)),
    LANDSAT: (("folder", True), ("tar", True), ("tar.gz", False), ("folder", False)),
}
"""How a sample's products are packed, one after another, and whether their files carry their place."""

_RAW_OFFSET = 1000
"""What a digital number of a new product has too much."""
_S2_FILES = {
    "blue": "R10m/{}_B02_10m",
    "green": "R10m/{}_B03_10m",
    "red": "R10m/{}_B04_10m",
    "nir08": "R20m/{}_B8A_20m",
    "swir16": "R20m/{}_B11_20m",
    "swir22": "R20m/{}_B12_20m",
    "scl": "R20m/{}_SCL_20m",
}
_LANDSAT_FILES = {
    "blue": "SR_B2",
    "green": "SR_B3",
    "red": "SR_B4",
    "nir08": "SR_B5",
    "swir16": "SR_B6",
    "swir22": "SR_B7",
    "qa_pixel": "QA_PIXEL",
}


def write_product(folder: Path, scene: Scene, area: Area, *, packing: str = "folder", placed: bool = True) -> Path:
    """Write a scene as the product that would be downloaded, and return its folder or archive.

    Parameters
    ----------
    packing : {"folder", "zip", "tar", "tar.gz"}
    placed : bool
        Whether Landsat's GeoTIFFs carry their place; some tools lose it, and then only the MTL has it.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    make = _sentinel2_files if scene.overpass.sensor == SENTINEL2 else _landsat_files
    name, files = make(scene, area, placed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _pack(folder, name, files, packing)
    except OSError as error:
        raise StoreError(
            f"cannot be written ({error.strerror or error})", where=folder / name, mend="choose another folder"
        ) from error


def _sentinel2_files(scene: Scene, area: Area, placed: bool) -> tuple[str, dict[str, bytes]]:  # noqa: ARG001 - JPEG 2000 always carry it
    overpass = scene.overpass
    when, made = overpass.when, overpass.when + timedelta(days=14)
    new = is_new(overpass)
    tile, stamp = "T52TFN", f"{when:%Y%m%dT%H%M%S}"
    platform = f"S2{overpass.platform[-1].upper()}"
    name = f"{platform}_MSIL2A_{stamp}_N{'0509' if new else '0212'}_R003_{tile}_{made:%Y%m%dT%H%M%S}.SAFE"
    granule = f"GRANULE/L2A_{tile}_A000003_{stamp}"
    files = {}
    for band, pattern in _S2_FILES.items():
        asset = scene.assets[band]
        values = asset.values
        if new and band != "scl":
            values = np.where(values == 0, 0, values + _RAW_OFFSET).astype(values.dtype)
        files[f"{granule}/IMG_DATA/{pattern.format(f'{tile}_{stamp}')}.jp2"] = _encode(Asset(values, asset.grid), "jp2")
    said = {
        "name": name,
        "when": f"{when:%Y-%m-%dT%H:%M:%S}.000Z",
        "made": f"{made:%Y-%m-%dT%H:%M:%S}.000000Z",
        "baseline": "05.09" if new else "02.12",
        "spacecraft": f"Sentinel-2{platform[-1]}",
        "cloud": scene.cloud_percent,
    }
    images = [image.removesuffix(".jp2") for image in files]
    outline = area.polygon()["coordinates"][0]
    text = sentinel2_text(said, images=images, outline=outline, offset=-_RAW_OFFSET if new else None)
    sun = overpass.sun
    tile_text = granule_text(scene.assets["scl"].grid, sun_zenith=90 - sun.elevation, sun_azimuth=sun.azimuth)
    return name, {"MTD_MSIL2A.xml": text.encode(), f"{granule}/MTD_TL.xml": tile_text.encode(), **files}


def _landsat_files(scene: Scene, area: Area, placed: bool) -> tuple[str, dict[str, bytes]]:  # noqa: ARG001 - its outline is that of its pixels
    name = scene_id(scene.overpass)
    when = scene.overpass.when
    files = {
        f"{name}_{code}.TIF": _encode(scene.assets[band], "tif" if placed else "bare")
        for band, code in _LANDSAT_FILES.items()
    }
    text = landsat_text(
        name,
        when=when,
        made=when + timedelta(days=14),
        cloud_percent=scene.cloud_percent,
        grid=scene.assets["red"].grid,
        sun=(scene.overpass.sun.azimuth, scene.overpass.sun.elevation),
    )
    return name, {f"{name}_MTL.txt": text.encode(), **files}


def _encode(asset: Asset, kind: str) -> bytes:
    """The bytes of a JPEG 2000 without loss (`jp2`), or of a GeoTIFF with its place (`tif`) or without (`bare`)."""
    import warnings

    import rasterio
    import rasterio.shutil
    from rasterio.errors import NotGeoreferencedWarning

    place = {} if kind == "bare" else {"crs": str(asset.grid.crs), "transform": asset.grid.transform}
    height, width = asset.values.shape
    with rasterio.MemoryFile() as tif, rasterio.MemoryFile(ext=".jp2") as jp2, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # `bare` has no place on purpose
        form = {"driver": "GTiff", "compress": "deflate", "predictor": 2, "dtype": asset.values.dtype, "count": 1}
        with tif.open(height=height, width=width, **form, **place) as file:
            file.write(asset.values, 1)
        if kind != "jp2":
            return bytes(tif.getbuffer())
        rasterio.shutil.copy(tif.name, jp2.name, driver="JP2OpenJPEG", REVERSIBLE="YES", QUALITY="100")
        return bytes(jp2.getbuffer())


def _pack(folder: Path, name: str, files: Mapping[str, bytes], packing: str) -> Path:
    """Write the files as a folder or an archive; equal files give equal bytes."""
    safe = name.endswith(".SAFE")
    if packing == "folder":
        for member, content in files.items():
            path = folder / name / member
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder / name
    path = folder / f"{name.removesuffix('.SAFE')}.{packing}"
    members = {f"{name}/{member}" if safe else member: content for member, content in files.items()}
    path.write_bytes(_zip(members) if packing == "zip" else _tar(members, packing == "tar.gz"))
    return path


def _zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _tar(members: Mapping[str, bytes], compressed: bool) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0) if compressed else buffer.getvalue()
