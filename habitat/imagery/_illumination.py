"""Arithmetic of :mod:`habitat.imagery.illumination`: shares of direct light from logarithms of reflectance."""

from __future__ import annotations

import numpy as np

USUAL, USUAL_SPREAD = 0.5, 0.3
"""Share of the sun's own light where nothing else is known, and how far it may be off: halfway between no correction
and the cosine law, so that it cannot be badly wrong either way."""
SKY = {"blue": 0.89, "green": 0.93, "red": 0.96}
BAND_SPREAD = 0.2
"""What a band's share is to that of the near infrared, where relief is seen best, if its own looks cannot say: 1, but
less in the visible, whose sky is brighter; and how far it may be off. Of a clear sky: half of what air scatters
(optical depths 0.155, 0.090, 0.050, 0.015 from blue to nir08; Bodhaine et al. 1999, Journal of Atmospheric and Oceanic
Technology 16, 1854-1861) and four fifths of what haze does (0.12 at 550 nm, Angstrom's exponent 1.3) reach the ground.
"""
LOOK_SPREAD = 0.15
"""How far a look's share may differ from what is usual for its sensor."""
OFFSET, DRIFT = 0.003, 0.02
"""What atmospheric correction leaves in a look: an offset of reflectance, which softens relief where the ground is
dark; and how far a share changes besides, from look to look."""
LIMITS = (-0.4, 0.95)
"""Shares that are believed."""
FEWEST = 300
"""Pixels that a look must show for a share of its own."""
AS_GREEN = 0.93
"""Looks whose median NDVI is at least this share of the greenest look's show the same canopy."""
CLUMP = 25
"""Neighbouring pixels err alike: so many count as one."""
DOUBT = 0.2
"""Correlation with illumination that what a look's fit leaves unexplained may have."""
ROUNDS, SWEEPS = 10, 6
"""Of reweighting, and of taking out pixels' and looks' means in turn."""
STILL = 1e-4
"""Change of a share at which reweighting ends."""
TRIM = 4.685
"""Tukey's constant: residuals farther away than so many spreads have no weight."""


def direct_shares(
    logs: np.ndarray, cosine: np.ndarray, flat: np.ndarray, bands: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is usual for one sensor (band,) and each look's share (time, band).

    Parameters
    ----------
    logs : float32 (band, time, pixel)
        Logarithms of reflectance, NaN where not seen.
    cosine, flat : float32 (time, pixel)
        Between sun and ground's normal, and on flat ground.
    """
    cosine = np.maximum(cosine, 0)  # slopes that face away have no clear look, but a logarithm
    seen = np.isfinite(logs).all(axis=0) & ~_snow(logs, bands)
    green = _green_looks(logs, seen, bands)
    parts = (cosine[green], flat[green], seen[green])
    infrared = _usual(logs[bands.index("nir08"), green], *parts, (USUAL, USUAL_SPREAD))
    priors = [(infrared * SKY.get(band, 1.0), BAND_SPREAD) for band in bands]
    usual = np.array([_usual(y[green], *parts, prior) for y, prior in zip(logs, priors, strict=True)], np.float32)
    usual[bands.index("nir08")] = infrared
    found = np.repeat(usual[None], logs.shape[1], axis=0)
    colours = _flat_colours(logs[:, green], cosine[green], flat[green], seen[green], usual)
    for look in range(logs.shape[1]):
        pixels = seen[look] & np.isfinite(colours).all(axis=1)
        if pixels.sum() < FEWEST:
            continue
        alike = _curved(colours[pixels])
        for k, y in enumerate(logs):
            found[look, k] = _own(y[look, pixels], alike, cosine[look, pixels], flat[look, pixels], usual[k])
    return usual, found


def light(share: float, cosine: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Logarithm of the light on a slope relative to flat ground."""
    return np.log1p(-share * (1 - cosine)) - np.log1p(-share * (1 - flat))


def _by_share(share: float, cosine: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Derivative of :func:`light` by the share."""
    return (1 - flat) / (1 - share * (1 - flat)) - (1 - cosine) / (1 - share * (1 - cosine))


def _snow(logs: np.ndarray, bands: list[str]) -> np.ndarray:
    """Where green outshines the short-wave infrared: snow or water, which a product's mask may have missed."""
    if "green" not in bands or "swir16" not in bands:
        return np.zeros(logs.shape[1:], dtype=bool)
    return logs[bands.index("green")] > logs[bands.index("swir16")]


def _green_looks(logs: np.ndarray, seen: np.ndarray, bands: list[str]) -> np.ndarray:
    """Numbers of the looks that show the leafy canopy."""
    contrast = logs[bands.index("nir08")] - logs[bands.index("red")]
    greenness = np.full(len(seen), -1.0)
    for look, pixels in enumerate(seen):
        if pixels.sum() >= FEWEST:
            greenness[look] = np.tanh(np.median(contrast[look, pixels]) / 2)  # NDVI of the ratio
    return np.flatnonzero((greenness > 0) & (greenness >= AS_GREEN * greenness.max(initial=0.0)))


def _usual(y: np.ndarray, cosine: np.ndarray, flat: np.ndarray, seen: np.ndarray, prior: tuple[float, float]) -> float:
    """Share that explains best how each pixel differs between looks at the same canopy.

    It is drawn to what `prior` says, a share and its spread, by how little the looks can tell.
    """
    if len(y) < 2:
        return prior[0]
    share, scale, weight = prior[0], 1.0, seen.astype(np.float64)
    offset = OFFSET / float(np.exp(np.median(y[seen])))
    y, cosine, flat = (np.where(seen, part, 0.5) for part in (y, cosine, flat))
    for _ in range(ROUNDS):
        slope = _without_means(_by_share(share, cosine, flat), weight)
        left = _without_means(y - light(share, cosine, flat), weight)
        scale, weight = _reweigh(left, seen)
        told = (weight * slope**2).sum() + 1e-9
        before, share = share, _bounded(share + (weight * slope * left).sum() / told)
        if abs(share - before) < STILL:
            break
    doubt = CLUMP * scale**2 / told + (DRIFT**2 + offset**2) / (_sun_moved(_by_share(share, cosine, flat), seen) + 1e-9)
    return prior[0] + prior[1] ** 2 / (prior[1] ** 2 + doubt) * (share - prior[0])


def _sun_moved(slope: np.ndarray, seen: np.ndarray) -> float:
    """How much the looks differ in the strength of relief, squared and summed, relative to their mean strength.

    An error of one look's share counts like relief of that look alone: only what the sun adds to it can be told apart.
    """
    weight = seen.astype(np.float64)
    centred = slope - ((slope * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1))[:, None]
    typical = (centred * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1)
    strength = (centred * weight * typical).sum(axis=1) / np.maximum((weight * typical**2).sum(axis=1), 1e-9)
    strength = strength[seen.any(axis=1)]
    return float(((strength - strength.mean()) ** 2).sum() / max(float((strength**2).mean()), 1e-9))


def _own(y: np.ndarray, alike: np.ndarray, cosine: np.ndarray, flat: np.ndarray, usual: float) -> float:
    """One look's share, drawn to what is usual by how much of the look stays unexplained."""
    share, weight, doubt = float(usual), np.ones(len(y)), np.inf
    for _ in range(ROUNDS):
        terms = np.column_stack([alike, _by_share(share, cosine, flat)])
        weighted = terms * weight[:, None]
        ridge = 1e-6 * np.diag(np.diag(weighted.T @ terms))
        solved = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ (y - light(share, cosine, flat)))
        spread = 1 / np.sqrt(np.linalg.inv(weighted.T @ terms + ridge)[-1, -1] * weight.sum())
        before, share = share, _bounded(share + solved[-1])
        left = y - alike @ solved[:-1] - light(share, cosine, flat)
        scale, weight = _reweigh(left, np.ones(len(y), dtype=bool))
        doubt = scale / spread * np.sqrt(DOUBT**2 + CLUMP / len(y))
        if abs(share - before) < STILL:
            break
    belief = LOOK_SPREAD**2 / (LOOK_SPREAD**2 + doubt**2)
    return _bounded(usual + belief * (share - usual))


def _flat_colours(
    logs: np.ndarray, cosine: np.ndarray, flat: np.ndarray, seen: np.ndarray, usual: np.ndarray
) -> np.ndarray:
    """What each pixel's green canopy would look like on flat ground: logarithms (pixel, band), NaN if never seen."""
    count = seen.sum(axis=0)
    levelled = (y - light(share, cosine, flat) for y, share in zip(logs, usual, strict=True))
    total = np.stack([np.where(seen, each, 0).sum(axis=0) for each in levelled], axis=1)
    return np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)


def _curved(colours: np.ndarray) -> np.ndarray:
    """1, the colours and their squares: what two classes differ by need not grow in step with their colours."""
    z = (colours - colours.mean(axis=0)) / (colours.std(axis=0) + 1e-6)
    return np.column_stack([np.ones(len(z)), z, z**2])


def _without_means(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`values` (time, pixel) less what is common to a pixel, and to a look."""
    for _ in range(SWEEPS):
        values = values - (values * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-9)
        values = values - ((values * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9))[:, None]
    return values


def _reweigh(left: np.ndarray, seen: np.ndarray) -> tuple[float, np.ndarray]:
    """Spread of residuals, and Tukey's weights."""
    sizes = np.abs(left[seen])
    scale = max(1.4826 * float(np.median(sizes)) if len(sizes) else 0.0, 1e-4)
    u = left / (TRIM * scale)
    return scale, np.where(seen & (np.abs(u) < 1), (1 - u**2) ** 2, 0.0)


def _bounded(share: float) -> float:
    return float(np.clip(share, *LIMITS))
