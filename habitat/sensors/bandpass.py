"""What one sensor's band would read in another's: published lines onto OLI, Landsat 8's and 9's instrument.

`reflectance in OLI's band = slope * reflectance in the sensor's own + intercept`. The lines are means over many
surfaces; what is left of a single one, a leaf's say, is a few thousandths (`benchmarks/results/calibration.md`).
"""

from __future__ import annotations

from collections.abc import Mapping

Lines = Mapping[str, tuple[float, float]]
"""Slope and intercept of each band."""

_MSI_A: Lines = {
    "blue": (0.9778, -0.0040),
    "green": (1.0053, -0.0009),
    "red": (0.9765, 0.0009),
    "nir08": (0.9983, -0.0001),
    "swir16": (0.9987, -0.0011),
    "swir22": (1.0030, -0.0012),
}
"""Sentinel-2A's MSI, nir08 its band 8A: HLS Product User Guide (Masek et al.), table of bandpass adjustments; from
Hyperion spectra, see Claverie et al. 2018, Remote Sensing of Environment 219, 145-161."""

_MSI_B: Lines = {
    "blue": (0.9778, -0.0040),
    "green": (1.0075, -0.0008),
    "red": (0.9761, 0.0010),
    "nir08": (0.9966, 0.0000),
    "swir16": (1.0000, -0.0003),
    "swir22": (0.9867, 0.0004),
}
"""Sentinel-2B's: the same table."""

_ETM: Lines = {
    "blue": (0.9785, -0.0095),
    "green": (0.9542, -0.0016),
    "red": (0.9825, -0.0022),
    "nir08": (1.0073, -0.0021),
    "swir16": (1.0171, -0.0030),
    "swir22": (0.9949, 0.0029),
}
"""Landsat 7's ETM+: Roy et al. 2016, Remote Sensing of Environment 185, 57-70, table 2, surface reflectance, reduced
major axis. Both instruments err, and a day lies between their looks: ordinary regression, which the paper gives too,
would pull every series towards its mean. TM on Landsat 4 and 5 takes the same lines: its bands and ETM+'s differ by
less than either does from OLI's (Teillet et al. 2001, Remote Sensing of Environment 78, 39-54)."""


def lines_to_oli(sensor: str, platform: str = "") -> Lines:
    """Return the lines that take a sensor's bands to OLI's; none where they are OLI's already, or made so (HLS).

    Parameters
    ----------
    sensor : str
        Name of one of :data:`habitat.sensors.SENSORS`.
    platform : str
        As an item says it. Sentinel-2C, and a satellite that is not named, takes Sentinel-2A's lines.

    >>> lines_to_oli("sentinel-2", "sentinel-2b")["swir22"]
    (0.9867, 0.0004)
    >>> lines_to_oli("landsat")
    {}
    """
    if sensor == "sentinel-2":
        return _MSI_B if platform.lower().endswith("2b") else _MSI_A
    return _ETM if sensor == "landsat-tm" else {}
