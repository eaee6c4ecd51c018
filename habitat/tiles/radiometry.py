"""Sentinel-2's radiometric offset, decided from the pixels.

Since processing baseline 04.00 (2022-01-25, old dates when they are processed again) Level-2A numbers carry an offset
of 1000, `BOA_ADD_OFFSET`. Catalogues take it out or do not, and baseline, date, flag and stated offset are each wrong
for some scenes (Element84/earth-search#66 and #71, microsoft/PlanetaryComputer#134). Weights of evidence, logarithms
of likelihood ratios, are added up: the scene's own dark pixels, the same ground in other scenes of the season, and
what scenes with the same claims turned out to be. What claims alone are worth counts only until pixels of other
scenes contradict them.

Numbers that a catalogue has cut off at 0 when it took the offset out cannot be restored.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from odc.geo.geobox import GeoBox

from habitat.errors import CatalogueError
from habitat.sensors import SENTINEL2
from habitat.sensors.sentinel2 import BASELINE_OFFSET, OFFSET_BASELINE
from habitat.tiles.clues import Clue, Look, compare, disagreement, own_clues
from habitat.tiles.samples import Sample, take_sample
from habitat.tiles.scenes import OffsetClaims, Scene

DECIDED = 1.5
"""Weight at which a scene is decided: odds of thirty to one."""
SURE = 2.0
"""Weight from which a scene may be a measure for others: a hundred to one."""
_TELLING = 1.0
"""Weight of its own from which a scene counts among those with the same claims."""
_OPPOSED = 1.3
"""Weight of the pixels against what claims amount to, from which a scene is refused."""
_SERIES = 2.5
"""Most that a comparison with other scenes can weigh."""
_TRUSTED, _UNKNOWN = (0.495, 0.005), (0.1, 0.1)
"""What claims are worth before any pixel: scenes that they would have been right and wrong for. Of trusted ones no
wrong case is known; the others are known to lie, or say nothing."""
_ROUNDS = 20

Source = Literal["pixels", "series", "claims", "nothing"]
"""What decided: the scene's own pixels; other scenes of the season; scenes with the same claims, or the claims
themselves; or nothing, because no pixel of the area was measured."""


@dataclass(frozen=True)
class Finding:
    """What was found about one scene's offset."""

    declared: float
    """Offset that its item amounts to, in reflectance."""
    offset: float
    """Offset that it has: 0.0 or -0.1."""
    corrected: bool
    """Whether any of its bands was given another offset or scale."""
    source: Source
    weight: float
    """Logarithm of the odds that the numbers carry the offset."""
    evidence: str
    """In words and numbers: what the item says, then what the pixels say."""


@dataclass(frozen=True)
class Settled:
    """Scenes whose numbers can be trusted, and those that cannot."""

    scenes: tuple[Scene, ...]
    """In the order given, offsets corrected, without the refused ones."""
    findings: Mapping[str, Finding]
    """By scene, of every Sentinel-2 scene that was settled."""
    refused: Mapping[str, str]
    """By scene, why; one line with the evidence."""


@dataclass(frozen=True)
class _Pixels:
    """What a worker brings back of one scene."""

    clues: tuple[Clue, ...]
    disagreement: str | None
    sparse: Sample
    measured: bool
    is_integer: bool


def settle_offsets(scenes: Sequence[Scene], grid: GeoBox, *, executor: Executor | None = None) -> Settled:
    """Decide from the pixels which Sentinel-2 scenes carry the radiometric offset; others pass untouched.

    Parameters
    ----------
    scenes : sequence of Scene
        Each with another id, all files here; their order changes nothing.
    grid : GeoBox
        The area: at most 256 x 256 places over it are looked at.
    executor : concurrent.futures.Executor, optional
        Reads the samples; results do not depend on it.

    Raises
    ------
    CatalogueError
        If two scenes have one id.
    ReadError
        If a file cannot be read.
    """
    twice = [name for name, n in Counter(scene.id for scene in scenes).items() if n > 1]
    if twice:
        raise CatalogueError("is there twice", where=f"item {min(twice)}", mend="remove one of them")
    # in the order of their names, so that sums do not depend on the order given
    ours = sorted((scene for scene in scenes if scene.sensor is SENTINEL2 and scene.bands), key=lambda scene: scene.id)
    look = partial(_look, grid=grid)
    pixels = list(map(look, ours) if executor is None else executor.map(look, ours))
    decided = _decide(ours, pixels)
    settled, findings, refused = {}, {}, {}
    for scene, seen, verdict in zip(ours, pixels, decided, strict=True):
        result = _conclude(scene, seen, verdict)
        if isinstance(result, str):
            refused[scene.id] = result
        else:
            settled[scene.id], findings[scene.id] = result
    kept = tuple(settled.get(scene.id, scene) for scene in scenes if scene.id not in refused)
    return Settled(kept, findings, refused)


def _look(scene: Scene, grid: GeoBox) -> _Pixels:
    sample = take_sample(scene, grid)
    measured = any(np.isfinite(values).any() for values in sample.bands.values())
    whole = all((values[np.isfinite(values)] % 1 == 0).all() for values in sample.bands.values())
    return _Pixels(own_clues(sample), disagreement(sample), sample.sparse(), measured, whole)


# -- weighing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Verdict:
    """Weights of one scene, by where they come from."""

    own: float
    series: Clue | None
    claims: float
    words: str
    """What the claims weigh and why."""

    @property
    def pixels(self) -> float:
        return self.own + (self.series.weight if self.series else 0.0)

    @property
    def total(self) -> float:
        return self.pixels + self.claims


def _decide(scenes: Sequence[Scene], pixels: Sequence[_Pixels]) -> list[_Verdict]:
    own = [sum(clue.weight for clue in one.clues) for one in pixels]
    first = _claim_weights(scenes, own)
    totals = [weight + claim for weight, claim in zip(own, first, strict=True)]
    known = [abs(total) >= SURE and abs(weight) >= _TELLING for total, weight in zip(totals, own, strict=True)]
    looks = [
        Look(one.sparse, scene.time.timetuple().tm_yday, total > 0 if sure else None)
        for scene, one, total, sure in zip(scenes, pixels, totals, known, strict=True)
    ]
    others = [look for look in looks if look.carries is not None]
    series: list[Clue | None] = []
    for one, look in zip(pixels, looks, strict=True):
        clue = compare(look, others) if look.carries is None and one.measured else None
        series.append(clue and replace(clue, weight=max(-_SERIES, min(clue.weight, _SERIES))))
    seen = [weight + (clue.weight if clue else 0.0) for weight, clue in zip(own, series, strict=True)]
    claims = _claim_weights(scenes, seen)
    words = _claim_words(scenes, seen)
    return [_Verdict(*parts) for parts in zip(own, series, claims, words, strict=True)]


def _claim_weights(scenes: Sequence[Scene], seen: Sequence[float]) -> list[float]:
    """What each scene's claims weigh: those of other scenes that say the same, by what their pixels say."""
    styles = np.array(_style_numbers(scenes), dtype=int)
    weights = np.array(seen, dtype=float)
    telling = np.abs(weights) >= _TELLING
    priors = np.array([_worth(scene.claims) for scene in scenes], dtype=float).reshape(-1, 2)
    claims = np.log10(priors[:, 0] / priors[:, 1])
    for _ in range(_ROUNDS):
        carries = np.where(telling, 1 / (1 + 10.0 ** -np.clip(weights + claims, -30, 30)), 0.0)
        n = np.bincount(styles, telling, len(styles) + 1)[styles] - telling
        n_in = np.bincount(styles, carries, len(styles) + 1)[styles] - carries
        claims = np.log10((np.maximum(n_in, 0) + priors[:, 0]) / (np.maximum(n - n_in, 0) + priors[:, 1]))
    return [float(claim) for claim in claims]


def _style(scene: Scene) -> tuple[object, ...]:
    claims = scene.claims or OffsetClaims()
    new = None if claims.baseline is None else claims.baseline >= OFFSET_BASELINE
    stated = None if claims.stated is None else round(claims.stated, 4)
    return scene.collection, new, claims.removed, stated


def _style_numbers(scenes: Sequence[Scene]) -> list[int]:
    numbers: dict[tuple[object, ...], int] = {}
    return [numbers.setdefault(_style(scene), len(numbers)) for scene in scenes]


def _worth(claims: OffsetClaims | None) -> tuple[float, float]:
    """Scenes that carry the offset and scenes that do not, as good as seen, among those with such claims."""
    claims = claims or OffsetClaims()
    states = claims.stated is not None and math.isclose(claims.stated, BASELINE_OFFSET, abs_tol=1e-6)
    none_stated = claims.stated is None or math.isclose(claims.stated, 0.0, abs_tol=1e-6)
    old = claims.baseline is not None and claims.baseline < OFFSET_BASELINE
    new = claims.baseline is not None and not old
    if (old and none_stated) or claims.removed is True:
        return _TRUSTED[::-1]
    if claims.removed is None and not old and (states or (new and claims.stated is None)):
        return _TRUSTED
    return _UNKNOWN


def _claim_words(scenes: Sequence[Scene], seen: Sequence[float]) -> list[str]:
    """How many other scenes with the same claims carry the offset, as far as their pixels say."""
    styles = _style_numbers(scenes)
    counts = Counter((style, weight > 0) for style, weight in zip(styles, seen, strict=True) if abs(weight) >= _TELLING)
    words = []
    for scene, style, weight in zip(scenes, styles, seen, strict=True):
        telling = abs(weight) >= _TELLING
        n_in, n_out = (counts[style, side] - (telling and (weight > 0) == side) for side in (True, False))
        if n_in + n_out:
            words.append(f"{n_in} of {n_in + n_out} other scenes that claim the same carry the offset")
        elif _worth(scene.claims) != _UNKNOWN:
            words.append("such claims are not known to lie")
        else:
            words.append("such claims are worth nothing by themselves")
    return words


# -- concluding -------------------------------------------------------------------------------------------


def _conclude(scene: Scene, pixels: _Pixels, verdict: _Verdict) -> tuple[Scene, Finding] | str:
    """The scene as it is to be read and what was found, or why it is refused."""
    declared = next(iter(scene.bands.values())).offset
    said = _claims_in_words(scene)
    if not pixels.measured:
        return scene, Finding(declared, declared, False, "nothing", 0.0, f"{said}; nothing is measured in the area")
    if pixels.disagreement is not None:
        return _refusal(said, pixels.disagreement)
    total = verdict.total
    words = [clue.words for clue in pixels.clues] + ([verdict.series.words] if verdict.series else [])
    shown = "; ".join(words) if words else "no pixel that could tell is clear"
    opposed = verdict.pixels * total < 0 and abs(verdict.pixels) > _OPPOSED
    if abs(total) < DECIDED or opposed:
        return _refusal(said, f"{shown}; {verdict.words}")
    offset = BASELINE_OFFSET if total > 0 else 0.0
    scale = scene.sensor.scale if pixels.is_integer else None
    bands = {
        name: replace(asset, offset=offset, scale=asset.scale if scale is None else scale)
        for name, asset in scene.bands.items()
    }
    corrected = bands != dict(scene.bands)
    alone = verdict.own * total > 0 and abs(verdict.own) >= DECIDED
    among = verdict.pixels * total > 0 and abs(verdict.pixels) >= DECIDED
    source: Source = "pixels" if alone else "series" if among else "claims"
    evidence = f"{said}; {shown}" + ("" if source != "claims" else f"; {verdict.words}") + f": taken as {offset:g}"
    return replace(scene, bands=bands), Finding(declared, offset, corrected, source, round(total, 2), evidence)


def _refusal(said: str, evidence: str) -> str:
    return (
        f"its radiometric offset cannot be settled: {said}; {evidence}; leave the scene out or take another catalogue's"
    )


def _claims_in_words(scene: Scene) -> str:
    claims = scene.claims or OffsetClaims()
    parts = [] if claims.baseline is None else ["baseline " + ".".join(f"{part:02d}" for part in claims.baseline)]
    parts += [] if claims.stated is None else [f"offset {claims.stated:g}"]
    if claims.removed is not None:
        parts.append("offset taken out" if claims.removed else "offset not taken out")
    return "its item says " + (", ".join(parts) or "nothing of an offset")
