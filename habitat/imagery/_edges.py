"""How :mod:`habitat.imagery.registration` matches a look with a reference, in pixels.

Look and reference are set against the mean and the contrast of their own small neighbourhood, so that only the place
of an edge is left to differ. What is bright in one may be dark in the other: the contrast may be negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BLUR = 0.6
"""Pixels, standard deviation: what is finer is noise, or one sensor's sharpness."""
STEPS = 5
"""Rounds of least squares, at most."""
DONE = 0.02
"""Pixels: a step below this is the last."""
FARTHEST = 2.5
"""Pixels: beyond this, edges are mistaken for their neighbours, and no shift is told."""
EDGE = 1.0
"""Times the spread of the residuals, by which a pixel of an edge would differ if it were moved by one pixel."""
FAINTEST = 0.002
"""Reflectance, likewise: less is rounding."""
FEWEST = 100
"""Edge pixels behind a shift, at least."""
PART = 32
"""Pixels along each side of the parts whose agreement gives the standard error."""
TRIM = 4.685
"""Tukey's constant: residuals farther away than so many spreads have no weight."""


@dataclass(frozen=True)
class Shift:
    """In pixels; NaN where it can not be told."""

    down: float
    right: float
    down_se: float
    right_se: float
    pixels: int


UNKNOWN = Shift(np.nan, np.nan, np.nan, np.nan, 0)


class Reference:
    """What a look is compared with: bands (band, y, x), NaN where nothing is known."""

    def __init__(self, bands: np.ndarray) -> None:
        from scipy import ndimage

        self.known = np.isfinite(bands)
        filled = np.where(self.known, bands, np.nanmedian(bands) if self.known.any() else 0).astype(np.float32)
        self.splines = [ndimage.spline_filter(band, order=3, output=np.float32) for band in filled]

    def at(self, down: float, right: float) -> tuple[np.ndarray, np.ndarray]:
        """The bands moved down and to the right, and where they are known."""
        bands = np.stack([_filtered(spline, down, right) for spline in self.splines])
        whole = (round(down), round(right))
        known = self.known
        if not known.all() or whole != (0, 0):
            known = _carried(known, *whole)
        reach = int(np.ceil(max(abs(down), abs(right)))) + 1
        known = known.copy()
        known[:, :reach] = known[:, -reach:] = known[:, :, :reach] = known[:, :, -reach:] = False
        return bands, known

    def match(self, look: np.ndarray, start: tuple[float, float]) -> Shift:
        """Return the shift of a look (band, y, x)."""
        seen = np.isfinite(look)
        if not seen.any():
            return UNKNOWN
        look = np.where(seen, look, np.float32(0))
        shift = np.array(start)
        result = UNKNOWN
        for _ in range(STEPS):
            bands, known = self.at(*shift)
            parts = [_equations(*each) for each in zip(look, bands, seen & known, strict=True)]
            step, covariance, pixels = _solved(parts)
            if pixels < FEWEST:
                return UNKNOWN
            shift = shift + step
            if not np.abs(shift).max() < FARTHEST:
                return UNKNOWN
            down_se, right_se = np.sqrt(np.diag(covariance))
            result = Shift(float(shift[0]), float(shift[1]), float(down_se), float(right_se), pixels)
            if np.abs(step).max() < DONE:
                break
        return result


def _carried(known: np.ndarray, down: int, right: int) -> np.ndarray:
    """Flags (band, y, x) moved by whole pixels; False comes in."""
    moved = np.zeros_like(known)
    rows, cols = known.shape[1:]
    to = [slice(max(by, 0), size + min(by, 0)) for by, size in ((down, rows), (right, cols))]
    come = [slice(max(-by, 0), size - max(by, 0)) for by, size in ((down, rows), (right, cols))]
    moved[:, to[0], to[1]] = known[:, come[0], come[1]]
    return moved


def _filtered(spline: np.ndarray, down: float, right: float) -> np.ndarray:
    """A band moved down and to the right, from its cubic spline: four weights along each side."""
    from habitat.imagery import _matching

    firsts = [int(np.floor(-by)) - 1 for by in (down, right)]
    weights = [
        _bump(first + np.arange(4) + by).astype(np.float32) for first, by in zip(firsts, (down, right), strict=True)
    ]
    out = np.empty_like(spline)
    _matching.shift(spline, *weights, tuple(firsts), out)
    return out


def _bump(x: np.ndarray) -> np.ndarray:
    """The cubic B-spline."""
    x = np.abs(x)
    return np.where(x < 1, 2 / 3 - x**2 + x**3 / 2, np.clip(2 - x, 0, None) ** 3 / 6)


def _equations(look: np.ndarray, reference: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Normal equations of a band's shift, each part's own: (part, 2, 2), (part, 2), and the edges' pixels."""
    from habitat.imagery import _matching

    size = tuple(-(-n // PART) for n in look.shape)
    nothing = np.zeros((size[0] * size[1], 2, 2)), np.zeros((size[0] * size[1], 2)), 0
    residual, down, right = (np.empty(look.shape, dtype=np.float32) for _ in range(3))
    inner = valid.copy()
    count = _matching.compare(look, reference, inner, residual, down, right)
    if not count:
        return nothing
    sizes = np.empty(count, dtype=np.float32)
    _matching.magnitudes(residual, inner, sizes)
    spread = 1.4826 * _middle(sizes)
    found, part = _matching.edges(residual, (down, right), inner, max(EDGE * spread, FAINTEST), PART)
    if not len(part):
        return nothing
    spread = max(1.4826 * _middle(np.abs(found[0])), 1e-6)
    matrix, vector, _ = nothing
    _matching.accumulate(found, part, spread, TRIM, matrix, vector)
    return matrix, vector, len(part)


def _middle(values: np.ndarray) -> float:
    """The median of what holds no NaN; `values` are put in another order."""
    half = len(values) // 2
    values.partition(half)
    lower = values[half] if len(values) % 2 else values[:half].max()
    return float(lower + values[half]) / 2


def _solved(parts: Sequence[tuple[np.ndarray, np.ndarray, int]]) -> tuple[np.ndarray, np.ndarray, int]:
    """The step that all bands' equations give, its covariance by the agreement of the parts, and the pixels."""
    matrix = np.sum([each[0] for each in parts], axis=0)
    vector = np.sum([each[1] for each in parts], axis=0)
    pixels = max(each[2] for each in parts)
    total = matrix.sum(axis=0)
    used = np.count_nonzero(matrix[:, 0, 0])
    if used < 4 or np.linalg.cond(total) > 1e4:
        return np.zeros(2), np.full((2, 2), np.nan), 0
    inverse = np.linalg.inv(total)
    step = inverse @ vector.sum(axis=0)
    left = vector - matrix @ step
    covariance = inverse @ (left.T @ left) @ inverse * used / (used - 2)
    return step, covariance, pixels


def smooth(look: np.ndarray) -> np.ndarray:
    """A look (band, y, x) blurred a little; NaN within reach of what was not seen."""
    from scipy import ndimage

    out = np.empty_like(look)
    for band, values in zip(out, look, strict=True):
        seen = np.isfinite(values)
        band[:] = ndimage.gaussian_filter(np.where(seen, values, np.float32(0)), BLUR, mode="nearest", truncate=3)
        if not seen.all():
            share = ndimage.gaussian_filter(seen.astype(np.float32), BLUR, mode="nearest", truncate=3)
            band[share < 0.999] = np.nan
    return out
