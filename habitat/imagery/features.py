"""What a classifier sees of a pixel in a year: each season's bands and indices."""

from __future__ import annotations

import numpy as np
import xarray as xr

from habitat import indices
from habitat.cubes import BANDS, COMPOSITE, FEATURES
from habitat.seasons import MAPPING

_INDICES = {
    "ndvi": (indices.ndvi, ("red", "nir08")),
    "ndmi": (indices.ndmi, ("nir08", "swir16")),
    "nbr": (indices.nbr, ("nir08", "swir22")),
    "ndwi": (indices.ndwi, ("green", "nir08")),
}


def forest_features(composite: xr.Dataset) -> xr.Dataset:
    """Return the predictors of every year: bands and indices of each season.

    A season without a clear look leaves its predictors NaN, never zero; a pixel not seen in the mapping
    season has no predictors at all, since the map stands for that season.

    Parameters
    ----------
    composite : COMPOSITE

    Returns
    -------
    FEATURES
        float32 variables `<band or index>_<season>`, (year, y, x).
    """
    COMPOSITE.check(composite)
    seen = composite["looks"].sel(season=MAPPING, drop=True).values > 0
    features = {}
    for season in composite["season"].values:
        one = composite.sel(season=season, drop=True)
        layers = {band: one[band].values for band in BANDS if band in one}
        layers |= {
            name: function(*(layers[band] for band in needed))
            for name, (function, needed) in _INDICES.items()
            if all(band in layers for band in needed)
        }
        for name, values in layers.items():
            features[f"{name}_{season}"] = (FEATURES.dims, np.where(seen, values, np.nan).astype(np.float32))
    coords = {name: composite.coords[name] for name in ("year", "y", "x", "spatial_ref") if name in composite.coords}
    return FEATURES.check(xr.Dataset(features, coords=coords))
