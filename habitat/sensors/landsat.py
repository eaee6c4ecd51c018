"""Landsat 4 to 9, Collection 2 Level-2.

Sources: Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619, version 6) and its
twin for Landsat 4-7 (LSDS-1618), tables on QA_PIXEL, on QA_RADSAT, on band designations and on scaling (reflectance =
DN x 0.0000275 - 0.2); asset names as USGS, Earth Search and the Planetary Computer write them (`blue`), as USGS wrote
them until STAC 1.0 (`SR_B2.TIF`), or the ends of the files' own names.
"""

from dataclasses import replace

from habitat.cubes import Quality
from habitat.sensors._tables import QualityCodes, Sensor

_RADSAT = QualityCodes(
    asset="qa_radsat",
    other_names=("qa_radsat.tif",),
    n_bits=16,
    fill=0,  # it has none: 0 is a pixel without fault
    values={},
    bits={
        # bit 0 is band 1, the coastal aerosol's; bits 1 to 6 are bands 2 to 7, blue to swir22
        **dict.fromkeys(range(1, 7), Quality.SATURATED),
        11: Quality.SATURATED,  # the ground was hidden behind a slope: what was measured is not of this pixel
    },
)

LANDSAT = Sensor(
    name="landsat",
    platforms=("landsat", "lc08", "lc09"),
    bands={
        "blue": ("blue", "SR_B2", "SR_B2.TIF"),
        "green": ("green", "SR_B3", "SR_B3.TIF"),
        "red": ("red", "SR_B4", "SR_B4.TIF"),
        "nir08": ("nir08", "SR_B5", "SR_B5.TIF"),
        "swir16": ("swir16", "SR_B6", "SR_B6.TIF"),
        "swir22": ("swir22", "SR_B7", "SR_B7.TIF"),
    },
    scale=0.0000275,
    offset=-0.2,
    nodata=0,
    resolution_m=30,
    quality=QualityCodes(
        asset="qa_pixel",
        other_names=("qa_pixel.tif",),
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
    saturation=_RADSAT,
    other_levels=r"(?<![a-z0-9])l1(tp|gt|gs)|c2-?l1|collection 01",
)
"""Operational Land Imager: Landsat 8 and 9, and any item that names only the programme."""

LANDSAT_TM = replace(
    LANDSAT,
    name="landsat-tm",
    platforms=(*(f"landsat{dash}{n}" for n in (4, 5, 7) for dash in "-_"), "lt04", "lt05", "le07"),
    bands={
        "blue": ("blue", "SR_B1", "SR_B1.TIF"),
        "green": ("green", "SR_B2", "SR_B2.TIF"),
        "red": ("red", "SR_B3", "SR_B3.TIF"),
        "nir08": ("nir08", "SR_B4", "SR_B4.TIF"),
        "swir16": ("swir16", "SR_B5", "SR_B5.TIF"),
        "swir22": ("swir22", "SR_B7", "SR_B7.TIF"),
    },
    saturation=replace(
        _RADSAT,
        bits={
            # bits 0 to 4 are bands 1 to 5 and bit 6 is band 7; bit 5, and bit 8 of ETM+, are the thermal band 6
            **dict.fromkeys((*range(5), 6), Quality.SATURATED),
            9: Quality.FILL,  # dropped pixel: no detector measured it
        },
    ),
)
"""Thematic Mapper (4, 5) and ETM+ (7): the same bands under other numbers."""
