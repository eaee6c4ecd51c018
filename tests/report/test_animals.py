"""What the page says of patches, of shares at several sizes, of fits and of compared models."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from reading import Page

from habitat.report import write_report
from habitat.store import read_table, write_table


def test_sizes_fits_and_candidates_are_told(small_run):
    folder = small_run()
    share = pd.read_csv(folder / "occupancy/share.csv")
    species, season = share["species"][0], share["season"][0]
    more = {"expected": 0.4, "expected_lower": 0.3, "expected_upper": 0.5}
    wide = share.assign(size_m=900.0, estimate=0.77, lower=0.7, upper=0.84, **more)
    write_table(folder / "occupancy/share.csv", pd.concat([share.assign(size_m=300.0, **more), wide]))
    tests = {
        "c_hat": [1.84, np.nan],
        "p_value": [0.02, np.nan],
        "moran_i": [0.213, np.nan],
        "moran_p_value": [0.004, np.nan],
    }
    fit = pd.DataFrame({"season": [season, season], "species": species, "model": "m", **tests})
    write_table(folder / "occupancy/fit.csv", fit)
    models = pd.DataFrame({"season": season, "species": species, "model": ["psi(forest_share) p(1)", "psi(1) p(1)"]})
    write_table(folder / "occupancy/models.csv", models.assign(delta=[0.0, 12.34], weight=[0.9979, 0.0021]))
    terms = pd.read_csv(folder / "occupancy/estimates.csv").assign(status="ok")
    terms.loc[0, ["status", "estimate", "se", "lower", "upper"]] = ["boundary", np.nan, np.nan, np.nan, np.nan]
    write_table(folder / "occupancy/estimates.csv", terms)
    text = Page(write_report(folder)).text
    assert "40% (30% to 50%)" in text
    assert "900 m" in text
    assert "77% (70% to 84%)" in text
    assert "compare years at one size only" in text
    assert "1.84 0.02 0.21 0.004" in text
    assert "not tested" in text
    assert "psi(1) p(1) 12.3 0.2%" in text
    assert "at a boundary" in text


def test_patches_and_ways_between_them_are_told(small_run):
    folder = small_run()
    year = int(read_table(folder / "cells.parquet")["year"].max())
    rows = {"year": [year, year, year - 1], "patch": [1, 2, 1], "area_km2": [520.0, 30.0, 600.0]}
    points = gpd.points_from_xy([0, 1, 2], [0, 1, 2])
    patches = gpd.GeoDataFrame(rows, geometry=points, crs=32652).assign(
        core_km2=[400.0, 15.0, 540.0], large=[True, False, True]
    )
    (folder / "landscape").mkdir()
    write_table(folder / "landscape/patches.parquet", patches)
    way = {"year": year, "from_patch": 1, "to_patch": 7, "length_km": 12.34, "open_km": 2.0, "widest_gap_m": 1500.0}
    line = gpd.GeoDataFrame([way | {"corridor_km2": 31.0}], geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=32652)
    write_table(folder / "landscape/corridors.parquet", line)
    text = Page(write_report(folder)).text
    assert (
        f"Forest in {year} lay in 2 patches, the largest of 520.0 km², 75% of it all far from an edge; 1 of them large."
        in text
    )
    assert f"In {year - 1}: 1 patch, the largest of 600.0 km², 90% of it all far from an edge" in text
    assert "1 to 7 12.3 km 2.0 km 1,500 m 31.0 km²" in text
