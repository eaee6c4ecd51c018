"""Areas by pixel count: a sum of the map, without limits; and by samples, with limits, where there are answers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from habitat.legend import UNKNOWN
from habitat.store import read_raster
from habitat.workflow.context import Context
from habitat.workflow.fires import burnt_areas

COLUMNS = ["year", "what", "estimate_ha", "lower", "upper", "method", "n_samples"]
"""Of areas.csv."""


def pixel_areas(context: Context, loss_year: np.ndarray | None) -> pd.DataFrame:
    """Hectares of forest, not forest, not seen, loss and burnt ground in each year; columns are those of areas.csv."""
    inside = context.inside()
    pixel_ha = abs(context.grid.transform.a * context.grid.transform.e) / 1e4
    rows = []
    for year in context.years:
        code = read_raster(context.run.path("forest", f"{year}.tif"))[0][0]
        forest = np.isin(code, context.legend.forest_codes)
        layers = {
            "forest": forest,
            "not forest": (code != UNKNOWN) & ~forest,
            "not seen": inside & (code == UNKNOWN),
        }
        if loss_year is not None and year > context.years[0]:
            layers["loss"] = loss_year == year
        rows += [
            {"year": year, "what": what, "estimate_ha": round(float(pixels.sum()) * pixel_ha, 4)}
            for what, pixels in layers.items()
        ]
    table = pd.DataFrame(rows)
    if context.recipe.change is not None and context.recipe.change.burns:
        table = pd.concat([table, burnt_areas(context)]).sort_values("year", kind="stable", ignore_index=True)
    return table.assign(lower=np.nan, upper=np.nan, method="pixel_count", n_samples=0)


def with_estimates(counted: pd.DataFrame, estimated: pd.DataFrame) -> pd.DataFrame:
    """Put estimates in the place of the counts of the same year and class, and add those that nothing was counted for.

    Parameters
    ----------
    counted : DataFrame
        From :func:`pixel_areas`.
    estimated : DataFrame
        year, what, estimate_ha, lower, upper, n_samples.
    """
    sampled = estimated.assign(method="stratified")[COLUMNS]
    merged = pd.concat([counted[COLUMNS], sampled], ignore_index=True)
    place = {pair: at for at, pair in reversed(list(enumerate(zip(merged["year"], merged["what"], strict=True))))}
    merged = merged.drop_duplicates(["year", "what"], keep="last")
    order = [(year, place[year, what]) for year, what in zip(merged["year"], merged["what"], strict=True)]
    return merged.iloc[sorted(range(len(order)), key=order.__getitem__)].reset_index(drop=True)
