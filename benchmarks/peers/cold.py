"""COLD and S-CCD as pyxccd has them, with its defaults, on series that `benchmarks/hard.py` wrote.

    PYTHON benchmarks/peers/cold.py SERIES.npz CALLS.npz

Run by a Python that has pyxccd (`pip install pyxccd`); needs nothing of habitat. SERIES.npz holds `days` (ordinal),
`values` (int16 (pixel, band, time), reflectance x 10000) and `codes` (uint8 (pixel, time): 0 clear, 1 water, 2 shadow,
3 snow, 4 cloud). Writes, for each method, `pixel` and `day` of every break that its own rule calls a disturbance, and
the CPU seconds. There is no thermal band: it is given as constant, and COLD leaves it out of its tests by default.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from pyxccd import cold_detect, sccd_detect
from pyxccd.utils import getcategory_cold, getcategory_sccd


def cold_days(days: np.ndarray, bands: np.ndarray, codes: np.ndarray) -> list[int]:
    """Days of COLD's disturbances in one pixel."""
    thermal = np.full(days.size, 2900, dtype=np.int64)
    try:
        found = cold_detect(days, *bands, thermal, codes)
    except RuntimeError:  # too few clear looks to begin with
        return []
    return [
        int(curve["t_break"])
        for k, curve in enumerate(found)
        if curve["t_break"] > 0 and curve["change_prob"] == 100 and getcategory_cold(found, k) == 1
    ]


def sccd_days(days: np.ndarray, bands: np.ndarray, codes: np.ndarray) -> list[int]:
    """Days of S-CCD's disturbances in one pixel."""
    try:
        found = sccd_detect(days, *bands, codes)
    except RuntimeError:
        return []
    history = found.rec_cg
    return [
        int(curve["t_break"])
        for k, curve in enumerate(history)
        if curve["t_break"] > 0 and getcategory_sccd(history, k) == 1
    ]


def main(source: str, target: str, methods: list[str]) -> None:
    """Run the methods on every pixel."""
    series = np.load(source)
    days = series["days"].astype(np.int64)
    out: dict[str, np.ndarray] = {}
    for name, detect in (("cold", cold_days), ("sccd", sccd_days)):
        if name not in methods:
            continue
        began = time.process_time()
        rows = [
            (pixel, day)
            for pixel, (bands, codes) in enumerate(zip(series["values"], series["codes"], strict=True))
            for day in detect(days, bands.astype(np.int64), codes.astype(np.int64))
        ]
        out[f"{name}_seconds"] = np.array(time.process_time() - began)
        table = np.array(rows, dtype=np.int64).reshape(-1, 2)
        out[f"{name}_pixel"], out[f"{name}_day"] = table.T
    np.savez_compressed(target, **out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:] or ["cold", "sccd"])
