"""What map and reference say at the pixels of a stratified random sample, and all that follows from it.

The strata may be the map's classes (Olofsson et al. 2014) or anything else (Stehman 2014), such as those of an older
map: every estimate is a ratio over strata, see :mod:`habitat.assess.estimators`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from habitat.assess.estimators import Estimate, Tally, estimate
from habitat.errors import EstimationError

NONE = -1
"""Class of a pixel that the map has no class for."""


@dataclass(frozen=True)
class ReferenceSample:
    """A stratified random sample with the map's class and the reference class of each pixel.

    Raises
    ------
    EstimationError
        If a stratum has fewer than two sampled pixels and was not sampled whole, or more than it holds.
    """

    stratum: np.ndarray
    """int (pixel,), index into the strata."""
    mapped: np.ndarray
    """int (pixel,), class in the map that is judged; -1 = none."""
    reference: np.ndarray
    """int (pixel,), class that it is."""
    stratum_pixels: np.ndarray
    """(stratum,), pixels of each in the map."""
    mapped_pixels: Mapping[int, np.ndarray]
    """Class to (stratum,): pixels of each stratum that the map calls so."""
    strata: Sequence[str] = ()
    """Their names, for errors."""

    def __post_init__(self) -> None:
        counts = np.bincount(self.stratum, minlength=len(self.stratum_pixels))
        for at, (n, pixels) in enumerate(zip(counts, self.stratum_pixels, strict=True)):
            name = self.strata[at] if self.strata else f"number {at}"
            if n > pixels:
                raise EstimationError(f"stratum {name!r} has {n} answers and {pixels} pixels", where="samples")
            if n < 2 and n < pixels:
                raise EstimationError(
                    f"stratum {name!r} has {n} answer{'s' if n != 1 else ''}, and a standard error needs two",
                    where="samples",
                    mend="answer more of its points",
                )

    @property
    def classes(self) -> tuple[int, ...]:
        """Classes of map and reference, ascending."""
        found = {*self.mapped_pixels, *np.unique(self.reference).tolist(), *np.unique(self.mapped).tolist()}
        return tuple(sorted(found - {NONE}))

    def area_share(self, code: int) -> Estimate:
        """Share of all pixels that are of a class, by the reference."""
        everywhere = np.ones(len(self.stratum), dtype=bool)
        any_stratum = np.ones(len(self.stratum_pixels), dtype=bool)
        return self._estimate(self.reference == code, everywhere, may_hit=any_stratum, may_lack=~any_stratum)

    def overall_accuracy(self) -> Estimate:
        """Share of the pixels with a class in the map that are of it."""
        seen = self._pixels_of(self.mapped_pixels)
        return self._estimate(
            (self.mapped == self.reference) & (self.mapped != NONE),
            self.mapped != NONE,
            may_hit=seen > 0,
            may_miss=seen > 0,
            may_lack=seen < self.stratum_pixels,
        )

    def users_accuracy(self, code: int) -> Estimate:
        """Share of the pixels that the map calls a class that are of it; one minus it is commission."""
        mapped = self._pixels_of((code,))
        return self._estimate(
            (self.mapped == code) & (self.reference == code),
            self.mapped == code,
            may_hit=mapped > 0,
            may_miss=mapped > 0,
            may_lack=mapped < self.stratum_pixels,
        )

    def producers_accuracy(self, code: int) -> Estimate:
        """Share of the pixels of a class that the map calls so; one minus it is omission."""
        mapped = self._pixels_of((code,))
        return self._estimate(
            (self.mapped == code) & (self.reference == code),
            self.reference == code,
            may_hit=mapped > 0,
            may_miss=mapped < self.stratum_pixels,
        )

    def error_matrix(self) -> pd.DataFrame:
        """Return the error matrix: one row a class of the map and a class of the reference.

        Returns
        -------
        DataFrame
            mapped, reference, n (sampled pixels), share (of all pixels, estimated).
        """
        weight = (self.stratum_pixels / np.bincount(self.stratum, minlength=len(self.stratum_pixels)))[self.stratum]
        rows = pd.DataFrame({"mapped": self.mapped, "reference": self.reference, "share": weight})
        every = pd.MultiIndex.from_product([self.classes, self.classes], names=["mapped", "reference"])
        sums = rows.groupby(["mapped", "reference"])["share"].agg(["size", "sum"])
        sums = sums.reindex(sums.index.union(every)).fillna(0).reset_index()
        total = self.stratum_pixels.sum()
        return sums.assign(n=sums["size"].astype(int), share=sums["sum"] / total)[["mapped", "reference", "n", "share"]]

    def _pixels_of(self, codes: Sequence[int] | Mapping[int, object]) -> np.ndarray:
        """Pixels of each stratum that the map gives one of `codes`."""
        return sum((self.mapped_pixels[code] for code in codes if code in self.mapped_pixels), 0 * self.stratum_pixels)

    def _estimate(
        self,
        hit: np.ndarray,
        base: np.ndarray,
        *,
        may_hit: np.ndarray,
        may_miss: np.ndarray | None = None,
        may_lack: np.ndarray | None = None,
    ) -> Estimate:
        def counts(of: np.ndarray) -> np.ndarray:
            return np.bincount(self.stratum[of], minlength=len(self.stratum_pixels))

        always = np.ones(len(self.stratum_pixels), dtype=bool)
        return estimate(
            Tally(
                np.asarray(self.stratum_pixels, dtype=float),
                counts(np.ones(len(self.stratum), dtype=bool)),
                counts(base),
                counts(hit),
                may_hit,
                always if may_miss is None else may_miss,
                always if may_lack is None else may_lack,
            )
        )
