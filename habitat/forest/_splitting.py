"""The likeliest class of each kind, compiled when it is first asked for."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

LANES = 128


@compiled
def split(said, is_forest, codes, p_forest, best):  # type: ignore[no-untyped-def]
    """Fill `p_forest` (pixel,) and `best` (2, pixel), code of the likeliest forest class and of the likeliest other.

    `said` (class, pixel) are probabilities, `codes` and `is_forest` (class,) those of the classes. The first of equals
    is the likeliest; code 0 where nothing was seen, or where there is no class of the kind.
    """
    classes, pixels = said.shape
    top = np.empty((2, LANES), np.float32)
    for start in range(0, pixels, LANES):
        lanes = min(LANES, pixels - start)
        p, codes_here = p_forest[start : start + lanes], best[:, start : start + lanes]
        p[:] = 0
        codes_here[:] = 0
        top[:] = np.float32(-1)
        for k in range(classes):
            own = said[k, start : start + lanes]
            if is_forest[k]:
                for lane in range(lanes):
                    p[lane] += own[lane]
            kind = 0 if is_forest[k] else 1
            _lift(own, codes[k], top[kind], codes_here[kind])
        for lane in range(lanes):
            p[lane] = np.float32(1) if p[lane] > np.float32(1) else p[lane]


@compiled
def _lift(own, code, top, best):  # type: ignore[no-untyped-def]
    """Put the class where it is likelier than those before; NaN is likelier than none."""
    for lane in range(own.size):
        is_more = own[lane] > top[lane]
        top[lane] = own[lane] if is_more else top[lane]
        best[lane] = code if is_more else best[lane]
