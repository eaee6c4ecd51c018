"""Harmonized Landsat and Sentinel-2, version 2: both sensors on one 30 m grid of Sentinel-2's tiles.

Source: HLS Product User Guide, version 2.0 (NASA LP DAAC), tables on band names, on scaling (int16, reflectance =
DN x 0.0001, nothing measured = -9999) and on Fmask. Asset names are the band numbers of the sensor that was
harmonised; NASA's and the Planetary Computer's catalogues share them.
"""

from dataclasses import replace

from habitat.cubes import Quality
from habitat.sensors._tables import QualityCodes, Sensor

HLS_S30 = Sensor(
    name="hls-s30",
    platforms=(),
    products=("hlss30", "hls2-s30", "hls-s30", "hls.s30"),
    bands={
        "blue": ("blue", "B02"),
        "green": ("green", "B03"),
        "red": ("red", "B04"),
        "nir08": ("nir08", "B8A"),
        "swir16": ("swir16", "B11"),
        "swir22": ("swir22", "B12"),
    },
    scale=0.0001,
    offset=0.0,
    nodata=-9999,
    resolution_m=30,
    quality=QualityCodes(
        asset="fmask",
        n_bits=8,
        fill=255,
        values={255: Quality.FILL},
        bits={
            # bit 0 is kept for cirrus, and never set
            1: Quality.CLOUD,
            # Fmask grows cloud and shadow by 150 m; what lies there is not called clear by its makers
            2: Quality.CLOUD,
            3: Quality.SHADOW,
            4: Quality.SNOW,
            5: Quality.WATER,
            # bits 6 and 7 are the aerosol's level
        },
    ),
)
"""From Sentinel-2: already brought to Landsat's bandpasses, without an offset."""

HLS_L30 = replace(
    HLS_S30,
    name="hls-l30",
    products=("hlsl30", "hls2-l30", "hls-l30", "hls.l30"),
    bands={
        "blue": ("blue", "B02"),
        "green": ("green", "B03"),
        "red": ("red", "B04"),
        "nir08": ("nir08", "B05"),
        "swir16": ("swir16", "B06"),
        "swir22": ("swir22", "B07"),
    },
)
"""From Landsat 8 and 9: the same numbers mean other bands."""
