"""The satellites' bands, scaling and quality codes, as plain tables with their sources."""

from habitat.sensors._tables import QualityCodes, Sensor
from habitat.sensors.hls import HLS_L30, HLS_S30
from habitat.sensors.landsat import LANDSAT, LANDSAT_TM
from habitat.sensors.sentinel2 import SENTINEL2

SENSORS = (HLS_S30, HLS_L30, SENTINEL2, LANDSAT_TM, LANDSAT)
"""Every sensor that can be read; the first whose products, then the first whose platforms fit is the one."""

__all__ = ["HLS_L30", "HLS_S30", "LANDSAT", "LANDSAT_TM", "SENSORS", "SENTINEL2", "QualityCodes", "Sensor"]
