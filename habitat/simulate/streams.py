"""One random stream for each purpose, so that adding one thing never reshuffles another."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np


@dataclass(frozen=True)
class Streams:
    """Independent generators that all come from one seed.

    A purpose is a row of words and numbers, such as ``("cuts", 2019)``; its generator is the child of the
    seed's :class:`numpy.random.SeedSequence` with the purpose's checksums as spawn key.

    >>> Streams(1)("clouds", 2019).random() == Streams(1)("clouds", 2019).random()
    True
    """

    seed: int

    def __call__(self, *purpose: str | int) -> np.random.Generator:
        """Return a new generator of this purpose, always at its beginning."""
        key = tuple(crc32(str(word).encode()) for word in purpose)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))
