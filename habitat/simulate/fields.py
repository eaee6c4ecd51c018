"""Patterns in space: random fields whose neighbours are alike, and what is done to rasters of 10 m."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], length: float) -> np.ndarray:
    """Return a Gaussian field of mean 0 and standard deviation 1.

    Parameters
    ----------
    rng : Generator
    shape : (rows, cols)
    length : float
        Standard deviation of the kernel that smooths white noise, in pixels; 0 leaves it white.

    Returns
    -------
    float32 array (y, x)
    """
    white = rng.standard_normal(shape, dtype=np.float32)
    field = ndimage.gaussian_filter(white, length, mode="wrap", truncate=3.0) if length else white
    return ((field - field.mean()) / field.std()).astype(np.float32)


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], lengths: tuple[float, ...], weights: tuple[float, ...]
) -> np.ndarray:
    """Return a standardised sum of smooth fields: large patches with smaller ones along their edges.

    `lengths` are in pixels, `weights` are the standard deviations of the parts. float32 (y, x).
    """
    field = np.zeros(shape, dtype=np.float32)
    for length, weight in zip(lengths, weights, strict=True):
        field += np.float32(weight) * smooth_noise(rng, shape, length)
    return (field - field.mean()) / field.std()


def logistic(values: np.ndarray | float) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow; float32."""
    return (0.5 * (1 + np.tanh(0.5 * np.asarray(values, dtype=np.float32)))).astype(np.float32)


def block_mean(values: np.ndarray, factor: int) -> np.ndarray:
    """Return means over blocks of `factor` x `factor` pixels of (..., y, x); both sizes must be multiples of it."""
    if values.dtype == np.float32 and factor < 8:  # the sums that numpy's mean makes, in its order, five times as fast
        lines = (sum(values[..., i::factor, j::factor] for j in range(factor)) for i in range(factor))
        return np.asarray(sum(lines) / np.float32(factor * factor))
    *rest, rows, cols = values.shape
    blocks = values.reshape(*rest, rows // factor, factor, cols // factor, factor)
    return np.asarray(blocks.mean(axis=(-3, -1), dtype=np.float32))
