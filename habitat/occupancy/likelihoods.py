"""The log-likelihood of histories under hidden states and imperfect detection, with its exact gradient."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from habitat.estimation import split
from habitat.occupancy.binding import Bound
from habitat.occupancy.detection import Detection
from habitat.occupancy.states import StatePaths, trace_states

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StateLikelihood:
    """Of all cells' histories, as a function of whitened coefficients, parameter after parameter."""

    bound: Bound
    detection: Detection

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """Return the log-likelihood at `theta` and its gradient."""
        on = self._predictors(theta)
        paths = self._trace(on)
        psi, col, ext = paths.slopes(*self._rates(on))
        used = paths.used.ravel()[self._place]
        slopes = {"psi": psi, "col": col.ravel(), "ext": ext.ravel()} | self.detection.slopes(on, used)
        gradient = [columns.T @ slopes[name] for name, columns in self._columns.items()]
        return float(paths.loglik.sum()), np.concatenate(gradient)

    def paths(self, theta: Floats) -> StatePaths:
        """Return what the histories say of the states at `theta`."""
        return self._trace(self._predictors(theta))

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        return {name: columns for name, (_, columns) in self.bound.parts.items()}

    @cached_property
    def _place(self) -> NDArray[np.int64]:
        """Of each visit's cell and season."""
        return self.bound.site * self.bound.shape[1] + self.bound.season

    def _predictors(self, theta: Floats) -> dict[str, Floats]:
        cut = split(theta, {name: columns.shape[1] for name, columns in self._columns.items()})
        return {name: columns @ cut[name] for name, columns in self._columns.items()}

    def _rates(self, on: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
        n, seasons = self.bound.shape
        none = np.zeros((n, 0))
        if seasons == 1:
            return on["psi"], none, none
        return on["psi"], on["col"].reshape(n, seasons - 1), on["ext"].reshape(n, seasons - 1)

    def _trace(self, on: dict[str, Floats]) -> StatePaths:
        shape = self.bound.shape
        unused, used = (
            np.bincount(self._place, weights=evidence, minlength=shape[0] * shape[1]).astype(float).reshape(shape)
            for evidence in self.detection.evidence(on)
        )
        return trace_states(*self._rates(on), unused, used)
