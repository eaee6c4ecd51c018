"""Zonal shares and means by exactextract, in an environment of its own; called by `zonal.py`.

    PEER_PYTHON zonal_peer.py FOLDER

Reads `codes.npy`, `heights.npy` and `cells.gpkg` of FOLDER and prints, as JSON, CPU seconds and results.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource


def main(folder: Path) -> None:
    """Time both questions once after a first try on few cells."""
    cells = gpd.read_file(folder / "cells.gpkg")
    said = {}
    for name, question in (("codes", ["unique", "frac"]), ("heights", ["mean"])):
        values = np.load(folder / f"{name}.npy", mmap_mode=None)
        west, south, east, north = json.loads((folder / "bounds.json").read_text())
        source = NumPyRasterSource(values, xmin=west, ymin=south, xmax=east, ymax=north, srs_wkt=cells.crs.to_wkt())
        exact_extract(source, cells.iloc[:4], question)
        began = time.process_time()
        found = exact_extract(source, cells, question, output="pandas")
        said[f"{name}_s"] = time.process_time() - began
        if name == "heights":
            said["mean"] = found["mean"].tolist()
        else:
            said["forest"] = [
                float(sum(f for u, f in zip(units, shares, strict=True) if u in (11, 14)))
                for units, shares in zip(found["unique"], found["frac"], strict=True)
            ]
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
