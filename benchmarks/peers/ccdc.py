"""CCDC as cdts has it, with its defaults, on series that `benchmarks/race.py` wrote.

    PYTHON benchmarks/peers/ccdc.py SERIES.npz CALLS.npz

Run by a Python that has cdts (`pip install cdts`), which is GPL: it is run beside, never imported; needs nothing of
habitat. Files are those of `cold.py`. CCDC does not say which breaks are disturbances; those count whose red and swir22
rise by more than nir08 does, the rule that ours must meet too.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from cdts.ccdc import run_ccdc

RED, NIR08, SWIR22 = 2, 3, 5


def ccdc_days(days: np.ndarray, bands: np.ndarray, codes: np.ndarray) -> list[int]:
    """Days of CCDC's breaks in one pixel that turn away from forest."""
    return [
        int(segment["t_break"])
        for segment in run_ccdc(days, bands.astype(float), codes)
        if segment["t_break"] > 0
        and segment["change_prob"] == 1
        and segment["magnitude"][RED] + segment["magnitude"][SWIR22] > segment["magnitude"][NIR08]
    ]


def main(source: str, target: str) -> None:
    """Run it on every pixel."""
    series = np.load(source)
    days = series["days"].astype(np.int64)
    began = time.process_time()
    rows = [
        (pixel, day)
        for pixel, (bands, codes) in enumerate(zip(series["values"], series["codes"], strict=True))
        for day in ccdc_days(days, bands, codes.astype(np.int64))
    ]
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    seconds = np.array(time.process_time() - began)
    np.savez_compressed(target, ccdc_seconds=seconds, ccdc_pixel=table[:, 0], ccdc_day=table[:, 1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
