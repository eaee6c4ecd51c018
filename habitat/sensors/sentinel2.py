"""Sentinel-2 MSI Level-2A.

Sources: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD, issue 14.9), section on the L2A
scene classification and on `BOA_ADD_OFFSET`; asset names as Earth Search (`blue`), the Planetary Computer (`B02`)
and the Copernicus Data Space (`B02_10m`) write them. Where a band comes in several resolutions the native one is
first, so that every catalogue gives the same numbers. Earth Search's `blue-jp2` is another file, and never taken.
"""

from habitat.cubes import Quality
from habitat.sensors._tables import QualityCodes, Sensor

OFFSET_BASELINE = (4, 0)
"""From this processing baseline on (2022-01-25), products carry `BOA_ADD_OFFSET` = -1000 digital numbers."""
BASELINE_OFFSET = -0.1
"""That offset in reflectance."""

SENTINEL2 = Sensor(
    name="sentinel-2",
    platforms=("sentinel-2",),
    bands={
        "blue": ("blue", "B02", "B02_10m", "B02_20m"),
        "green": ("green", "B03", "B03_10m", "B03_20m"),
        "red": ("red", "B04", "B04_10m", "B04_20m"),
        # B8A, not B08: its width is that of Landsat's near infrared.
        "nir08": ("nir08", "B8A", "B8A_20m"),
        "swir16": ("swir16", "B11", "B11_20m"),
        "swir22": ("swir22", "B12", "B12_20m"),
    },
    scale=0.0001,
    offset=0.0,
    nodata=0,
    resolution_m=20,
    quality=QualityCodes(
        asset="scl",
        other_names=("scl_20m",),
        n_bits=8,
        fill=0,
        values={
            0: Quality.FILL,  # no data
            1: Quality.SATURATED,  # saturated or defective
            # 2 is "dark area": mostly forest on shaded slopes, so it stays clear
            3: Quality.SHADOW,  # cloud shadow
            6: Quality.WATER,
            # 7 is "unclassified": stays clear
            8: Quality.CLOUD,  # medium probability
            9: Quality.CLOUD,  # high probability
            10: Quality.CIRRUS,
            11: Quality.SNOW,
        },
        bits={},
    ),
    other_levels=r"msil?1[abc]|(?<![a-z0-9])l1[abc]",
)
