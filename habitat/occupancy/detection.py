"""How use is seen: what a visit's record says of a used and of an unused cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

Floats = NDArray[np.float64]


class Detection(Protocol):
    """Records of all visits, as the models read them."""

    def evidence(self, on: dict[str, Floats]) -> tuple[Floats, Floats]:
        """Log-likelihood of each visit's record in an unused and in a used cell, given logits (visit,)."""
        ...

    def slopes(self, on: dict[str, Floats], used: Floats) -> dict[str, Floats]:
        """Gradients along each logit (visit,), where `used` is the probability that the cell was."""
        ...


@dataclass(frozen=True, eq=False)
class TrueDetection:
    """An animal is seen with probability p where it is, and never where it is not."""

    detected: Floats
    """0 or 1 (visit,)."""

    def evidence(self, on: dict[str, Floats]) -> tuple[Floats, Floats]:
        """See :class:`Detection`."""
        return np.where(self.detected == 1, -np.inf, 0.0), self.detected * on["p"] + log_expit(-on["p"])

    def slopes(self, on: dict[str, Floats], used: Floats) -> dict[str, Floats]:
        """See :class:`Detection`."""
        return {"p": used * (self.detected - expit(on["p"]))}


@dataclass(frozen=True, eq=False)
class UncertainDetection:
    """A record may be of another animal, unless it is certain (Miller et al. 2011, their third kind of data).

    In a used cell the species is recorded with probability p, and such a record is certain with probability b; in an
    unused one an uncertain record comes about with probability fp.
    """

    detected: Floats
    """0 or 1 (visit,)."""
    certain: Floats
    """1, 0, or NaN where nobody judged (visit,); of records alone."""
    sure: NDArray[np.bool_]
    """(visit,): a method that makes no false records, such as a photograph."""

    def evidence(self, on: dict[str, Floats]) -> tuple[Floats, Floats]:
        """See :class:`Detection`."""
        seen = self.detected == 1
        impossible = seen & ((self.certain == 1) | self.sure)
        unused = log_expit(np.where(seen, on["fp"], -on["fp"]))
        unused = np.where(self.sure, 0.0, unused)
        used = log_expit(np.where(seen, on["p"], -on["p"])) + np.where(
            self._judged, log_expit(np.where(self.certain == 1, on["b"], -on["b"])), 0.0
        )
        return np.where(impossible, -np.inf, unused), used

    def slopes(self, on: dict[str, Floats], used: Floats) -> dict[str, Floats]:
        """See :class:`Detection`."""
        return {
            "p": used * (self.detected - expit(on["p"])),
            "fp": np.where(self.sure, 0.0, (1 - used) * (self.detected - expit(on["fp"]))),
            "b": np.where(self._judged, used * ((self.certain == 1) - expit(on["b"])), 0.0),
        }

    @property
    def _judged(self) -> NDArray[np.bool_]:
        return (self.detected == 1) & np.isfinite(self.certain) & ~self.sure
