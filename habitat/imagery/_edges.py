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
AROUND = 9
"""Pixels along each side of the neighbourhood in which brightness and contrast are matched."""
STEPS = 5
"""Rounds of least squares, at most."""
DONE = 0.02
"""Pixels: a step below this is the last."""
FARTHEST = 2.5
"""Pixels: beyond this, edges are mistaken for their neighbours, and no shift is told."""
REACH = 5
"""Pixels: taps of the filter that moves the reference."""
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
        from scipy import ndimage

        bands = np.stack([_filtered(spline, down, right) for spline in self.splines])
        whole = (round(down), round(right))
        known = self.known
        if not known.all() or whole != (0, 0):
            known = np.stack([ndimage.shift(k, whole, order=0, cval=False) for k in known])
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


def _filtered(spline: np.ndarray, down: float, right: float) -> np.ndarray:
    """A band moved down and to the right, from its cubic spline: one filter along each side."""
    from scipy import ndimage

    taps = np.arange(-REACH, REACH + 1)
    for axis, by in enumerate((down, right)):
        spline = ndimage.correlate1d(spline, _bump(taps + by).astype(np.float32), axis=axis, mode="nearest")
    return spline


def _bump(x: np.ndarray) -> np.ndarray:
    """The cubic B-spline."""
    x = np.abs(x)
    return np.where(x < 1, 2 / 3 - x**2 + x**3 / 2, np.clip(2 - x, 0, None) ** 3 / 6)


def _equations(look: np.ndarray, reference: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Normal equations of a band's shift, each part's own: (part, 2, 2), (part, 2), and the edges' pixels."""
    size = tuple(-(-n // PART) for n in look.shape)
    nothing = np.zeros((size[0] * size[1], 2, 2)), np.zeros((size[0] * size[1], 2)), 0
    share = _box(valid.astype(np.float32))
    valid = valid & (share > 0.5)
    if not valid.any():
        return nothing
    mask = valid.astype(np.float32)
    share = np.maximum(_box(mask), np.float32(1e-3))

    def local(values: np.ndarray) -> np.ndarray:
        return np.asarray(_box(values * mask) / share)

    off, ref = look - local(look), reference - local(reference)
    own, common = local(ref * ref), local(ref * off)
    contrast = common / np.maximum(own, np.float32(1e-8))
    residual = off - contrast * ref
    down, right = np.gradient(reference)
    slopes = [-contrast * (each - local(each)) for each in (down, right)]
    inner = valid & _inside(valid)
    steep = np.hypot(*slopes)
    if not inner.any():
        return nothing
    spread = 1.4826 * np.median(np.abs(residual[inner]))
    edge = inner & (steep > max(EDGE * spread, FAINTEST))
    if not edge.any():
        return nothing
    spread = max(1.4826 * float(np.median(np.abs(residual[edge]))), 1e-6)
    rows, cols = np.nonzero(edge)
    part = rows // PART * size[1] + cols // PART
    design = np.stack([each[edge] for each in slopes], axis=1).astype(np.float64)
    error = residual[edge].astype(np.float64)
    weight = np.clip(1 - (error / (TRIM * spread)) ** 2, 0, None) ** 2 / spread**2
    weighted = design * weight[:, None]
    matrix = np.zeros((size[0] * size[1], 2, 2))
    vector = np.zeros((size[0] * size[1], 2))
    for i in range(2):
        vector[:, i] = np.bincount(part, weighted[:, i] * error, minlength=len(vector))
        for j in range(2):
            matrix[:, i, j] = np.bincount(part, weighted[:, i] * design[:, j], minlength=len(matrix))
    return matrix, vector, len(error)


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


def _box(values: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    return np.asarray(ndimage.uniform_filter(values, AROUND, mode="constant"))


def _inside(valid: np.ndarray) -> np.ndarray:
    """Pixels whose four neighbours are valid too: gradients take them in."""
    inner = np.zeros_like(valid)
    inner[1:-1, 1:-1] = valid[:-2, 1:-1] & valid[2:, 1:-1] & valid[1:-1, :-2] & valid[1:-1, 2:]
    return inner
