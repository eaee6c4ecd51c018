"""The share of cells occupied, as a row of share.csv: counted, expected, and of these very cells, side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd

from habitat.occupancy import SeasonEstimate

_FINITE = {"share": "estimate", "se": "se", "lower": "lower", "upper": "upper"}
_MODEL = {"share": "expected", "se": "expected_se", "lower": "expected_lower", "upper": "expected_upper"}


def share_rows(made: SeasonEstimate, *, size_m: float | None) -> pd.DataFrame:
    """Return a row a season.

    Returns
    -------
    DataFrame
        species, season, cells_surveyed, cells_detected, naive; estimate, se, lower, upper of these very cells (finite
        sample); expected, expected_se, expected_lower, expected_upper of such cells (mean of psi); note; size_m (null
        for given cells); cells, how many an estimate stands for, or all
        without one; area_km2 of those.
    """
    rows = []
    for season, cells in made.cells.groupby("season", sort=True):
        of = made.shares[made.shares["season"] == season].set_index("method")
        row = {
            "species": made.history.attrs["species"],
            "season": season,
            "cells_surveyed": int(cells["surveyed"].sum()),
            "cells_detected": int(cells["detected"].sum()),
            "naive": of.loc["naive", "share"],
        }
        # a coefficient at a boundary leaves psi without a number: then the states have none either
        known = "model" in of.index and bool(np.isfinite(of.loc["model", "share"]))
        for method, names in (("finite_sample", _FINITE), ("model", _MODEL)):
            row |= {column: of.loc[method, name] if known else np.nan for name, column in names.items()}
        counted = int(of.loc["finite_sample", "n_cells"]) if known else len(cells)
        rows.append(row | {"note": made.note, "size_m": size_m, "cells": counted})
    return pd.DataFrame(rows)
