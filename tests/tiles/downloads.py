"""Products of a few pixels as they are downloaded: Sentinel-2 .SAFE and Landsat Collection 2, whole or spoilt."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

SAFE = "S2B_MSIL2A_20230704T021549_N0509_R003_T52TFN_20230704T050102"
LANDSAT = "LC09_L2SP_115030_20230711_20230713_02_T1"
LEFT, TOP = 600_000, 4_800_000
SHAPE = (6, 6)

GRANULE = "GRANULE/L2A_T52TFN_A033027_20230704T021552"
IMAGES = {
    "blue": "R10m/T52TFN_20230704T021549_B02_10m",
    "green": "R10m/T52TFN_20230704T021549_B03_10m",
    "red": "R10m/T52TFN_20230704T021549_B04_10m",
    "nir08": "R20m/T52TFN_20230704T021549_B8A_20m",
    "swir16": "R20m/T52TFN_20230704T021549_B11_20m",
    "swir22": "R20m/T52TFN_20230704T021549_B12_20m",
    "quality": "R20m/T52TFN_20230704T021549_SCL_20m",
}
OFFSETS = "".join(f'<BOA_ADD_OFFSET band_id="{n}">-1000</BOA_ADD_OFFSET>' for n in range(13))
MTD = f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>2023-07-04T02:15:49.024Z</PRODUCT_START_TIME>
      <PRODUCT_URI>{SAFE}.SAFE</PRODUCT_URI>
      <PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL>
      <PROCESSING_BASELINE>05.09</PROCESSING_BASELINE>
      <GENERATION_TIME>2023-07-04T05:01:02.000000Z</GENERATION_TIME>
      <Datatake datatakeIdentifier="GS2B_20230704T021549_033027_N05.09">
        <SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME>
      </Datatake>
    </Product_Info>
    <Product_Image_Characteristics>
      <QUANTIFICATION_VALUES_LIST>
        <BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
        <AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE>
      </QUANTIFICATION_VALUES_LIST>
      <BOA_ADD_OFFSET_VALUES_LIST>{OFFSETS}</BOA_ADD_OFFSET_VALUES_LIST>
    </Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Geometric_Info><Product_Footprint><Product_Footprint><Global_Footprint>
    <EXT_POS_LIST>43.3 130.2 43.3 130.3 43.4 130.3 43.4 130.2 43.3 130.2 </EXT_POS_LIST>
  </Global_Footprint></Product_Footprint></Product_Footprint></n1:Geometric_Info>
  <n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>
</n1:Level-2A_User_Product>
"""

SCALING = "\n".join(
    f"    REFLECTANCE_MULT_BAND_{n} = 2.75e-05\n    REFLECTANCE_ADD_BAND_{n} = -0.2" for n in range(1, 8)
)
MTL = f"""GROUP = LANDSAT_METADATA_FILE
  GROUP = PRODUCT_CONTENTS
    LANDSAT_PRODUCT_ID = "{LANDSAT}"
    PROCESSING_LEVEL = "L2SP"
    COLLECTION_NUMBER = 02
  END_GROUP = PRODUCT_CONTENTS
  GROUP = IMAGE_ATTRIBUTES
    SPACECRAFT_ID = "LANDSAT_9"
    WRS_PATH = 115
    WRS_ROW = 30
    DATE_ACQUIRED = 2023-07-11
    SCENE_CENTER_TIME = "02:08:12.1234567Z"
    CLOUD_COVER = 31.02
  END_GROUP = IMAGE_ATTRIBUTES
  GROUP = PROJECTION_ATTRIBUTES
    MAP_PROJECTION = "UTM"
    DATUM = "WGS84"
    UTM_ZONE = 52
    GRID_CELL_SIZE_REFLECTIVE = 30.00
    REFLECTIVE_LINES = 6
    REFLECTIVE_SAMPLES = 6
    ORIENTATION = "NORTH_UP"
    CORNER_UL_PROJECTION_X_PRODUCT = 600000.000
    CORNER_UL_PROJECTION_Y_PRODUCT = 4800000.000
    CORNER_LR_PROJECTION_X_PRODUCT = 600150.000
    CORNER_LR_PROJECTION_Y_PRODUCT = 4799850.000
  END_GROUP = PROJECTION_ATTRIBUTES
  GROUP = LEVEL2_PROCESSING_RECORD
    PROCESSING_LEVEL = "L2SP"
    DATE_PRODUCT_GENERATED = 2023-07-13T05:11:51Z
  END_GROUP = LEVEL2_PROCESSING_RECORD
  GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS
{SCALING}
  END_GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS
  GROUP = LEVEL1_PROCESSING_RECORD
    PROCESSING_LEVEL = "L1TP"
    SPACECRAFT_ID = "not this one"
  END_GROUP = LEVEL1_PROCESSING_RECORD
  GROUP = LEVEL1_RADIOMETRIC_RESCALING
    REFLECTANCE_MULT_BAND_4 = 2.0000E-05
    REFLECTANCE_ADD_BAND_4 = -0.100000
  END_GROUP = LEVEL1_RADIOMETRIC_RESCALING
END_GROUP = LANDSAT_METADATA_FILE
END
"""
LANDSAT_FILES = {
    "blue": "SR_B2",
    "green": "SR_B3",
    "red": "SR_B4",
    "nir08": "SR_B5",
    "swir16": "SR_B6",
    "swir22": "SR_B7",
    "quality": "QA_PIXEL",
}


def numbers(band: str) -> np.ndarray:
    """Digital numbers of a band: all different, so that no shift goes unnoticed."""
    rows, cols = SHAPE
    first = 1200 + 100 * list(IMAGES).index(band)
    values = np.arange(first, first + rows * cols, dtype="uint16").reshape(SHAPE)
    return np.full(SHAPE, 4, dtype="uint8") if band == "quality" else values


def write_image(path: Path, values: np.ndarray, pixel: float | None, crs: str = "EPSG:32652") -> None:
    """Write a JPEG 2000 or GeoTIFF, by its ending; without `pixel` it says nothing of its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff"}
    if path.suffix == ".jp2":
        profile = {"driver": "JP2OpenJPEG", "REVERSIBLE": "YES", "QUALITY": "100"}
    place = {} if pixel is None else {"crs": crs, "transform": Affine(pixel, 0, LEFT, 0, -pixel, TOP)}
    height, width = values.shape
    with rasterio.open(path, "w", height=height, width=width, count=1, dtype=values.dtype, **profile, **place) as file:
        file.write(values, 1)


def safe_product(folder: Path, *, name: str = SAFE, mtd: str = MTD) -> Path:
    """Write a .SAFE folder; its 20 m bands have as many pixels as the others, and so more ground."""
    product = folder / f"{name}.SAFE"
    for band, image in IMAGES.items():
        pixel = 10 if "10m" in image else 20
        write_image(product / GRANULE / "IMG_DATA" / f"{image}.jp2", numbers(band), pixel)
    (product / "MTD_MSIL2A.xml").write_text(mtd)
    (product / GRANULE / "MTD_TL.xml").write_text("<n1:Level-2A_Tile_ID xmlns:n1='x'/>")
    return product


def landsat_product(folder: Path, *, mtl: str = MTL, placed: bool = True, name: str = LANDSAT) -> Path:
    """Write a Landsat folder."""
    product = folder / name
    for band, code in LANDSAT_FILES.items():
        values = np.full(SHAPE, 21824, dtype="uint16") if band == "quality" else numbers(band)
        write_image(product / f"{name}_{code}.TIF", values, 30 if placed else None)
    (product / f"{name}_MTL.txt").write_text(mtl)
    return product


def members(product: Path) -> dict[str, bytes]:
    """A folder's files by the names that its archive gives them."""
    top = f"{product.name}/" if product.suffix == ".SAFE" else ""
    return {
        f"{top}{p.relative_to(product).as_posix()}": p.read_bytes() for p in sorted(product.rglob("*")) if p.is_file()
    }


def zipped(product: Path, *, more: Mapping[str, bytes] | None = None) -> Path:
    """Turn a folder into a zip; `more` members are added."""
    path = product.with_name(f"{product.name.removesuffix('.SAFE')}.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (members(product) | dict(more or {})).items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    shutil.rmtree(product)
    return path


def tarred(product: Path, *, ending: str = "tar", more: tuple[tarfile.TarInfo, ...] = ()) -> Path:
    """Turn a folder into a tar; `more` entries, without content, are added."""
    path = product.with_name(f"{product.name}.{ending}")
    with tarfile.open(path, "w:gz" if ending == "tar.gz" else "w") as archive:
        for entry in more:
            archive.addfile(entry)
        for name, content in members(product).items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    shutil.rmtree(product)
    return path
