"""What things look like from 400 to 2500 nm, and what each sensor's bands make of it.

The curves are stylised: smooth lines through 26 wavelengths whose shapes follow published libraries (USGS
splib07, Kokaly et al. 2017; ECOSTRESS, Meerdink et al. 2019) and, for green canopies, PROSPECT with SAIL
(Jacquemoud et al. 2009): chlorophyll in the blue and red, the red edge at 700-740 nm, the near-infrared
plateau, water at 970, 1200, 1450 and 1940 nm, cellulose at 2100 nm in dry matter, and snow that is bright in
the visible and dark in the shortwave infrared. They are no measurements and hold no one's data. "Leaf",
"needle" and "grass" are closed canopies with their own shadows, not single leaves.
"""

from __future__ import annotations

from functools import cache

import numpy as np

LEAF, NEEDLE, AUTUMN, BRANCH, HERB, LITTER, SOIL, OPEN_WATER, SNOW, CHAR, BUILT = range(11)
LARCH_GREEN, LARCH_GOLD, PINE, BIRCH_LEAF, BUSH, SEDGE, STRAW, ROCK = range(11, 19)
"""Rows of the table that :func:`band_reflectance` returns: what a surface is mixed from. Those of the second line are
of the full legend alone: larch before and in autumn, pine crowns, the thin crowns of birch and aspen, thickets, mires
in and out of leaf, rock and gravel."""

_KNOTS_NM = (
    *(400, 450, 490, 550, 600, 660, 690, 720, 750, 800, 865, 970, 1080),
    *(1200, 1300, 1400, 1450, 1610, 1700, 1800, 1940, 2080, 2200, 2300, 2400, 2500),
)

# fmt: off
_CURVES = {
    LEAF: (.018, .020, .024, .058, .035, .022, .030, .150, .360, .430, .450, .435, .455,
           .420, .420, .270, .170, .235, .235, .200, .055, .100, .120, .090, .060, .040),
    NEEDLE: (.012, .014, .016, .032, .024, .018, .022, .085, .185, .225, .240, .225, .240,
             .205, .200, .115, .065, .105, .100, .085, .022, .040, .048, .036, .024, .016),
    AUTUMN: (.022, .026, .034, .075, .125, .135, .165, .250, .320, .360, .380, .375, .400,
             .375, .375, .280, .200, .265, .260, .225, .080, .125, .150, .115, .080, .055),
    BRANCH: (.035, .042, .050, .064, .074, .085, .092, .105, .125, .155, .180, .190, .210,
             .215, .220, .200, .175, .210, .205, .190, .110, .125, .140, .120, .100, .085),
    HERB: (.022, .026, .032, .078, .055, .038, .050, .180, .350, .400, .420, .410, .430,
           .400, .400, .270, .185, .260, .255, .225, .075, .125, .150, .115, .080, .055),
    LITTER: (.045, .058, .070, .105, .135, .165, .180, .200, .225, .260, .285, .310, .345,
             .355, .365, .345, .300, .365, .360, .345, .210, .215, .260, .225, .190, .170),
    SOIL: (.045, .058, .070, .095, .118, .140, .148, .158, .168, .185, .205, .225, .245,
           .265, .280, .275, .260, .295, .300, .295, .220, .255, .270, .250, .225, .205),
    OPEN_WATER: (.038, .045, .052, .062, .045, .032, .026, .018, .016, .015, .010, .006, .006,
                 .004, .004, .002, .002, .003, .002, .002, .001, .001, .002, .001, .001, .001),
    SNOW: (.930, .935, .930, .925, .915, .900, .895, .885, .875, .855, .820, .740, .720,
           .500, .480, .300, .100, .120, .140, .160, .030, .040, .080, .060, .030, .030),
    CHAR: (.030, .033, .036, .041, .046, .051, .054, .057, .060, .066, .073, .082, .092,
           .100, .106, .110, .113, .122, .125, .127, .122, .125, .125, .122, .118, .115),
    BUILT: (.095, .110, .125, .145, .160, .172, .177, .183, .188, .197, .208, .216, .225,
            .232, .238, .235, .230, .245, .245, .240, .215, .225, .230, .220, .205, .195),
    LARCH_GREEN: (.016, .018, .021, .048, .032, .021, .027, .125, .275, .330, .345, .330, .345,
                  .310, .305, .190, .115, .165, .162, .138, .038, .068, .082, .062, .042, .028),
    LARCH_GOLD: (.020, .024, .032, .085, .125, .120, .140, .205, .260, .290, .305, .295, .315,
                 .295, .292, .215, .150, .205, .202, .175, .062, .098, .118, .090, .062, .042),
    PINE: (.013, .015, .018, .037, .028, .021, .026, .096, .210, .258, .274, .258, .274,
           .236, .230, .136, .080, .128, .123, .104, .028, .050, .060, .045, .030, .020),
    BIRCH_LEAF: (.020, .023, .028, .068, .044, .028, .036, .170, .390, .470, .492, .476, .498,
                 .465, .465, .310, .205, .275, .272, .236, .070, .122, .146, .112, .076, .052),
    BUSH: (.022, .027, .034, .074, .054, .040, .050, .165, .305, .342, .356, .352, .374,
           .352, .354, .262, .190, .252, .250, .224, .085, .132, .158, .124, .090, .064),
    SEDGE: (.024, .029, .037, .078, .062, .048, .060, .165, .285, .325, .340, .320, .330,
            .295, .292, .190, .118, .180, .175, .150, .045, .082, .100, .076, .052, .034),
    STRAW: (.050, .065, .080, .120, .155, .182, .195, .215, .238, .268, .285, .290, .315,
            .305, .310, .260, .190, .255, .250, .235, .110, .140, .175, .145, .115, .098),
    ROCK: (.105, .130, .155, .192, .222, .244, .252, .260, .268, .284, .298, .312, .328,
           .342, .354, .356, .350, .378, .382, .378, .330, .352, .358, .346, .326, .308),
}
_CLOUD = (.720, .730, .730, .730, .720, .720, .720, .715, .710, .710, .700, .690, .690,
          .660, .640, .480, .420, .520, .530, .480, .240, .320, .420, .380, .250, .220)
# fmt: on

RESPONSES_NM = {
    # blue, green, red, nir08 (B8A), swir16 (B11), swir22 (B12) of Sentinel-2A: centre and width at half maximum,
    # Sentinel-2 Spectral Response Functions (ESA, COPE-GSEG-EOPG-TN-15-0007, version 3).
    "sentinel-2": ((492.4, 66), (559.8, 36), (664.6, 31), (864.7, 21), (1613.7, 91), (2202.4, 175)),
    # The same of Landsat 8's OLI, bands 2 to 7: Barsi et al. (2014), Remote Sensing 6, 10232-10251, table 1.
    "landsat": ((482.0, 60.0), (561.4, 57.3), (654.6, 37.5), (864.7, 28.3), (1608.9, 84.7), (2200.7, 186.7)),
    # No scene of these is drawn; they are what calibration is held to. Sentinel-2B's as Sentinel-2A's; ETM+ and TM
    # from the half-power edges of Chander, Markham and Helder (2009), Remote Sensing of Environment 113, 893-903.
    "sentinel-2b": ((492.1, 66), (559.0, 36), (664.9, 31), (864.0, 22), (1610.4, 94), (2185.7, 185)),
    "landsat-7": ((483, 62), (560, 82), (661.5, 61), (835, 126), (1647.5, 201), (2205.5, 281)),
    "landsat-5": ((485, 66), (568.5, 81), (659.5, 67), (840, 128), (1675.5, 217), (2223, 252)),
}
"""Each sensor's bands: centre and full width at half maximum, nm."""


@cache
def band_reflectance(sensor: str) -> np.ndarray:
    """Return the reflectance of each pure surface in each band of `sensor`, float32 (surface, band)."""
    return np.stack([_through_bands(_CURVES[k], sensor) for k in range(len(_CURVES))])


@cache
def cloud_reflectance(sensor: str) -> np.ndarray:
    """Return the reflectance of a thick cloud in each band of `sensor`, float32 (band,)."""
    return _through_bands(_CLOUD, sensor)


def _through_bands(curve: tuple[float, ...], sensor: str) -> np.ndarray:
    """Weigh a curve by flat-topped responses (Gaussian of the fourth power) of the bands' widths."""
    nm = np.arange(400.0, 2501.0)
    reflectance = np.interp(nm, _KNOTS_NM, curve)
    bands = []
    for centre, width in RESPONSES_NM[sensor]:
        response = np.exp(-np.log(2) * (2 * (nm - centre) / width) ** 4)
        bands.append(float((response * reflectance).sum() / response.sum()))
    return np.array(bands, dtype=np.float32)
