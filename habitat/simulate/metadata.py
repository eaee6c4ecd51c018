"""The metadata files of simulated products, in the words of the real ones.

Sources: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD, issue 14.9), `MTD_MSIL2A.xml` and `MTD_TL.xml`;
Landsat Collection 2 metadata (MTL) definitions (LSDS-1822).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from odc.geo.geobox import GeoBox

S2_BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
"""In the order of `band_id`."""

_MTD = """\
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>{when}</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>{when}</PRODUCT_STOP_TIME>
      <PRODUCT_URI>{name}</PRODUCT_URI>
      <PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL>
      <PRODUCT_TYPE>S2MSI2A</PRODUCT_TYPE>
      <PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
      <GENERATION_TIME>{made}</GENERATION_TIME>
      <Datatake>
        <SPACECRAFT_NAME>{spacecraft}</SPACECRAFT_NAME>
        <DATATAKE_SENSING_START>{when}</DATATAKE_SENSING_START>
        <SENSING_ORBIT_NUMBER>3</SENSING_ORBIT_NUMBER>
        <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
      </Datatake>
      <Product_Organisation>
        <Granule_List>
          <Granule imageFormat="JPEG2000">
{images}
          </Granule>
        </Granule_List>
      </Product_Organisation>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <QUANTIFICATION_VALUES_LIST>
        <BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
        <AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE>
        <WVP_QUANTIFICATION_VALUE unit="cm">1000.0</WVP_QUANTIFICATION_VALUE>
      </QUANTIFICATION_VALUES_LIST>
{offsets}    </Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Product_Footprint>
      <Product_Footprint>
        <Global_Footprint>
          <EXT_POS_LIST>{outline}</EXT_POS_LIST>
        </Global_Footprint>
      </Product_Footprint>
    </Product_Footprint>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info>
    <Cloud_Coverage_Assessment>{cloud}</Cloud_Coverage_Assessment>
  </n1:Quality_Indicators_Info>
</n1:Level-2A_User_Product>
"""


def sentinel2_text(
    said: Mapping[str, Any], *, images: Iterable[str], outline: Iterable[tuple[float, float]], offset: int | None
) -> str:
    """Return `MTD_MSIL2A.xml`.

    Parameters
    ----------
    said : mapping
        name, when, made, baseline, spacecraft, cloud.
    images : iterable of str
        Paths of the image files within the product, without their ending.
    outline : iterable of (longitude, latitude)
        The real file writes latitude first.
    offset : int, optional
        `BOA_ADD_OFFSET` of all bands.
    """
    lines = "".join(
        f'        <BOA_ADD_OFFSET band_id="{number}">{offset}</BOA_ADD_OFFSET>\n' for number in range(len(S2_BANDS))
    )
    block = f"      <BOA_ADD_OFFSET_VALUES_LIST>\n{lines}      </BOA_ADD_OFFSET_VALUES_LIST>\n"
    return _MTD.format(
        **{key: escape(str(value)) for key, value in said.items()},
        images="\n".join(f"            <IMAGE_FILE>{escape(image)}</IMAGE_FILE>" for image in images),
        outline=" ".join(f"{y} {x}" for x, y in outline),
        offsets="" if offset is None else block,
    )


_TILE = """\
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-2A_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-2A_Tile_Metadata.xsd">
  <n1:Geometric_Info>
    <Tile_Geocoding metadataLevel="Brief">
      <HORIZONTAL_CS_CODE>{crs}</HORIZONTAL_CS_CODE>
      <Geoposition resolution="20">
        <ULX>{left:.0f}</ULX>
        <ULY>{top:.0f}</ULY>
      </Geoposition>
    </Tile_Geocoding>
    <Tile_Angles metadataLevel="Standard">
      <Sun_Angles_Grid>
{sun}
      </Sun_Angles_Grid>
{views}
    </Tile_Angles>
  </n1:Geometric_Info>
</n1:Level-2A_Tile_ID>
"""
_NODES, _STEP_M = 23, 5000
"""Of the angles' grids: each way, and from one to the next."""
_HEIGHT_M, _ASIDE_M = 786_000, 90_000
"""Of the satellite, and how far east of the area's corner its track runs."""
_HEADING_DEG = 195.0


def granule_text(grid: GeoBox, *, sun_zenith: float, sun_azimuth: float) -> str:
    """Return `MTD_TL.xml` of a tile whose corner is that of `grid`: one sun, and a straight swath over a flat Earth.

    Two detectors meet in the middle of the grid, and each tells the view of its own half alone.
    """
    across = np.arange(_NODES) * _STEP_M - _ASIDE_M  # to the east of the track
    zenith = np.degrees(np.arctan(np.abs(across) / _HEIGHT_M))
    azimuth = np.where(across > 0, _HEADING_DEG + 90, _HEADING_DEG - 90) % 360
    views = []
    for band in range(len(S2_BANDS)):
        for detector in (0, 1):
            own = (np.arange(_NODES) < _NODES // 2) == (detector == 0)
            head = f'      <Viewing_Incidence_Angles_Grids bandId="{band}" detectorId="{detector + 1}">'
            layers = _angle_grids(*(np.where(own, values, np.nan) for values in (zenith, azimuth)))
            views.append(f"{head}\n{layers}\n      </Viewing_Incidence_Angles_Grids>")
    return _TILE.format(
        crs=f"EPSG:{grid.crs.epsg if grid.crs is not None else 0}",
        left=grid.transform.c,
        top=grid.transform.f,
        sun=_angle_grids(np.full(_NODES, sun_zenith), np.full(_NODES, sun_azimuth)),
        views="\n".join(views),
    )


def _angle_grids(zenith: np.ndarray, azimuth: np.ndarray) -> str:
    """Both grids, of rows that are all the same."""
    parts = []
    for name, values in (("Zenith", zenith), ("Azimuth", azimuth)):
        row = " ".join("NaN" if np.isnan(value) else f"{value:.6g}" for value in values)
        rows = f"            <VALUES>{row}</VALUES>\n" * _NODES
        steps = "".join(f'          <{axis}_STEP unit="m">{_STEP_M}</{axis}_STEP>\n' for axis in ("COL", "ROW"))
        parts.append(
            f"        <{name}>\n{steps}          <Values_List>\n{rows}          </Values_List>\n        </{name}>"
        )
    return "\n".join(parts)


def landsat_text(
    name: str, *, when: datetime, made: datetime, cloud_percent: float, grid: GeoBox, sun: tuple[float, float]
) -> str:
    """Return `*_MTL.txt` of a Landsat 8 or 9 product whose bands lie on `grid`; `sun` is azimuth and elevation."""
    bands = range(1, 8)
    left, top, cell = grid.transform.c, grid.transform.f, grid.transform.a
    west, north = left + cell / 2, top - cell / 2  # of the outermost pixels' centres
    east, south = west + cell * (grid.shape.x - 1), north - cell * (grid.shape.y - 1)
    corners = {"UL": (west, north), "UR": (east, north), "LL": (west, south), "LR": (east, south)}
    epsg = grid.crs.epsg if grid.crs is not None else None
    groups: dict[str, Mapping[str, object]] = {
        "PRODUCT_CONTENTS": {
            "ORIGIN": "SIMULATED",
            "LANDSAT_PRODUCT_ID": name,
            "PROCESSING_LEVEL": "L2SP",
            "COLLECTION_CATEGORY": "T1",
        }
        | {f"FILE_NAME_BAND_{band}": f"{name}_SR_B{band}.TIF" for band in bands}
        | {"FILE_NAME_QUALITY_L1_PIXEL": f"{name}_QA_PIXEL.TIF"},
        "IMAGE_ATTRIBUTES": {
            "SPACECRAFT_ID": f"LANDSAT_{name[3]}",
            "SENSOR_ID": "OLI_TIRS",
            "WRS_PATH": int(name[10:13]),
            "WRS_ROW": int(name[13:16]),
            "DATE_ACQUIRED": when.date(),
            "SCENE_CENTER_TIME": f"{when:%H:%M:%S}.0000000Z",
            "CLOUD_COVER": cloud_percent,
            "NADIR_OFFNADIR": "NADIR",
            "SUN_AZIMUTH": f"{sun[0]:.8f}",
            "SUN_ELEVATION": f"{sun[1]:.8f}",
        },
        "PROJECTION_ATTRIBUTES": {
            "MAP_PROJECTION": "UTM",
            "DATUM": "WGS84",
            "UTM_ZONE": int(epsg or 0) % 100,
            "GRID_CELL_SIZE_REFLECTIVE": f"{cell:.2f}",
            "REFLECTIVE_LINES": grid.shape.y,
            "REFLECTIVE_SAMPLES": grid.shape.x,
            "ORIENTATION": "NORTH_UP",
        }
        | {
            f"CORNER_{c}_PROJECTION_{axis}_PRODUCT": f"{v:.3f}"
            for c, xy in corners.items()
            for axis, v in zip("XY", xy, strict=True)
        },
        "LEVEL2_PROCESSING_RECORD": {"DATE_PRODUCT_GENERATED": f"{made:%Y-%m-%dT%H:%M:%SZ}", "REQUEST_ID": "L2"},
        "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": _rescaling(bands, "2.75e-05", "-0.2"),
        # another scaling, of the product before it, under the same names: as in the real files
        "LEVEL1_RADIOMETRIC_RESCALING": _rescaling(bands, "2.0000E-05", "-0.100000"),
    }
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, values in groups.items():
        lines.append(f"  GROUP = {group}")
        lines += [f"    {key} = {_odl(value)}" for key, value in values.items()]
        lines.append(f"  END_GROUP = {group}")
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""])


def _rescaling(bands: Iterable[int], gain: str, offset: str) -> Mapping[str, object]:
    return {f"REFLECTANCE_MULT_BAND_{b}": gain for b in bands} | {f"REFLECTANCE_ADD_BAND_{b}": offset for b in bands}


def _odl(value: object) -> str:
    """Text stands in quotes, numbers do not."""
    try:
        float(str(value))
    except ValueError:
        return str(value) if str(value)[:1].isdigit() and ":" not in str(value)[:3] else f'"{value}"'
    return str(value)
