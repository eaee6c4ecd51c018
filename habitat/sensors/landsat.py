"""Landsat 4 to 9, Collection 2 Level-2.

Sources: Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619, version 6) and its
twin for Landsat 4-7 (LSDS-1618), tables on QA_PIXEL, on band designations and on scaling (reflectance = DN x
0.0000275 - 0.2); asset names as USGS and Earth Search write them, or the ends of the files' own names.
"""

from dataclasses import replace

from habitat.cubes import Quality
from habitat.sensors._tables import QualityCodes, Sensor

LANDSAT = Sensor(
    name="landsat",
    platforms=("landsat", "lc08", "lc09"),
    bands={
        "blue": ("blue", "SR_B2"),
        "green": ("green", "SR_B3"),
        "red": ("red", "SR_B4"),
        "nir08": ("nir08", "SR_B5"),
        "swir16": ("swir16", "SR_B6"),
        "swir22": ("swir22", "SR_B7"),
    },
    scale=0.0000275,
    offset=-0.2,
    nodata=0,
    resolution_m=30,
    quality=QualityCodes(
        asset="qa_pixel",
        n_bits=16,
        fill=1,
        values={},
        bits={
            0: Quality.FILL,
            1: Quality.CLOUD,  # dilated cloud
            2: Quality.CIRRUS,
            3: Quality.CLOUD,
            4: Quality.SHADOW,
            5: Quality.SNOW,
            7: Quality.WATER,
        },
    ),
)
"""Operational Land Imager: Landsat 8 and 9, and any item that names only the programme."""

LANDSAT_TM = replace(
    LANDSAT,
    platforms=(*(f"landsat{dash}{n}" for n in (4, 5, 7) for dash in "-_"), "lt04", "lt05", "le07"),
    bands={
        "blue": ("blue", "SR_B1"),
        "green": ("green", "SR_B2"),
        "red": ("red", "SR_B3"),
        "nir08": ("nir08", "SR_B4"),
        "swir16": ("swir16", "SR_B5"),
        "swir22": ("swir22", "SR_B7"),
    },
)
"""Thematic Mapper (4, 5) and ETM+ (7): the same bands under other numbers."""
