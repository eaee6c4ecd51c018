"""The satellites' bands, scaling and quality codes, as plain tables with their sources."""

from habitat.sensors._tables import QualityCodes, Sensor
from habitat.sensors.landsat import LANDSAT
from habitat.sensors.sentinel2 import SENTINEL2

SENSORS = (SENTINEL2, LANDSAT)
"""Every sensor that can be read."""

__all__ = ["LANDSAT", "SENSORS", "SENTINEL2", "QualityCodes", "Sensor"]
