"""What is remembered of a pixel: one float32 array (pixel, ROWS, LANES), for an archive as for a scene.

A row is eight numbers. Six bands and two spare lanes make a row of bands; the eight terms of the seasonal model make
a row of terms. Days are counted from the epoch that is kept beside the array, so that float32 holds them to a minute.

| rows | what | lanes |
|---|---|---|
| 0-7 | GRAM: sum of w x x' | terms |
| 8-15 | CROSS: sum of w x y', a row a term | bands |
| 16-21 | POWER: sum of w y y', a row a band | bands |
| 22-29 | COEFFICIENTS of the model in use, a row a term | bands |
| 30-35 | WHITENING: what turns residuals into independent ones of variance 1, a row a band | whitened |
| 36 | HEAD | PHASE HELD FOR AGAINST WEIGHT FITTED ORIGIN LATEST |
| 37 | TAIL | LAST_GOOD LAG LAG_POWER, the rest spare |
| 38 | RUN: sum of the whitened residuals of looks that speak for a break | whitened |
| 39 | BEFORE: whitened residual of the last look that was taken into the model | whitened |
| 40-63 | LOOKS held back: those of a run, or those that a new model is to be made from | six bands, DAY, SUM |

A state of zeros is a pixel of which nothing is known.
"""

from __future__ import annotations

import numpy as np

LANES = 8
"""Numbers in a row."""

STATE_VERSION = 2
"""Version of this layout and of the method that wrote it; raised when either changes."""

TERMS = LANES
"""Terms of the model: constant, trend (a year), cosine and sine of one, two and three cycles a year."""
BANDS = 6

GRAM, CROSS, POWER, COEFFICIENTS, WHITENING = 0, 8, 16, 22, 30
HEAD, TAIL, RUN, BEFORE, LOOKS = 36, 37, 38, 39, 40
ROWS = 64
HOLD = ROWS - LOOKS
"""Looks that can be held back."""

PHASE, HELD, FOR, AGAINST, WEIGHT, FITTED, ORIGIN, LATEST = range(8)
LAST_GOOD, LAG, LAG_POWER = range(3)
DAY, SUM = BANDS, BANDS + 1
"""Lanes of a look behind its bands: its day; the sum of its bands, NaN if one was not seen."""

STARTING, WATCHING, RENEWING = 0.0, 1.0, 2.0
"""Phases: no model yet; a model, looks are tested; a break was confirmed and a new model is not there yet."""


def new_states(pixels: int) -> np.ndarray:
    """Return states, float32 (pixel, ROWS, LANES), of pixels of which nothing is known."""
    return np.zeros((pixels, ROWS, LANES), np.float32)


def pack(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what states hold: their rows before LOOKS, and the looks held back, float32 (look, LANES), pixel by pixel.

    Places beyond a pixel's HELD looks are scratch: what lies there means nothing.
    """
    return np.ascontiguousarray(states[:, :LOOKS]), states[:, LOOKS:][_in_use(states)]


def unpack(models: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """Return the states that :func:`pack` was given."""
    states = new_states(len(models))
    states[:, :LOOKS] = models
    states[:, LOOKS:][_in_use(models)] = looks
    return states


def _in_use(states: np.ndarray) -> np.ndarray:
    return np.arange(HOLD) < states[:, HEAD, HELD, None]
