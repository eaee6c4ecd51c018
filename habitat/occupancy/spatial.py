"""Neighbours are alike: what a model leaves between them, and covariates that take it up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from habitat.errors import ContractError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MoranTest:
    """Likeness of neighbours."""

    moran_i: float
    """1 = neighbours are the same, about 0 = no more alike than any others, below = alternating."""
    expected: float
    """Of values without order: -1 / (n - 1)."""
    p_value: float
    """Share of random orders with as high a value (one-sided)."""
    n: int


def neighbours(points: Floats, *, distance_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs (first, second) of points at most `distance_m` apart, each pair both ways.

    Parameters
    ----------
    points : array (n, 2)
        x, y in metres: the cells' centres.
    """
    pairs = cKDTree(points).query_pairs(distance_m, output_type="ndarray")
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    return both[:, 0], both[:, 1]


def residual_moran(
    conditional: pd.Series,
    psi: pd.Series,
    points: pd.DataFrame,
    *,
    distance_m: float,
    n_draws: int = 999,
    seed: int = 0,
) -> MoranTest:
    """Return Moran's I of occupancy residuals: use given the history, less what the covariates foretell.

    The residuals of Wright et al. (2019, doi:10.1002/ecy.2703): without spatial order in them, standard errors of psi's
    coefficients may be believed.

    Parameters
    ----------
    conditional, psi : Series
        By cell; cells without either are left out.
    points : DataFrame
        x, y of cells, metres.

    Raises
    ------
    ContractError
        If no two cells are neighbours.
    """
    names = conditional.index.intersection(psi.dropna().index)
    residual = (conditional[names] - psi[names]).to_numpy()
    first, second = neighbours(points.loc[names, ["x", "y"]].to_numpy(dtype=float), distance_m=distance_m)
    if not len(first):
        raise ContractError(f"no two cells lie within {distance_m:g} m", where="cells", mend="raise distance_m")
    residual = residual - residual.mean()

    def index(values: Floats) -> float:
        return float(len(values) / len(first) * (values[first] * values[second]).sum() / (values**2).sum())

    found = index(residual)
    random = np.random.default_rng(seed)
    drawn = np.array([index(random.permutation(residual)) for _ in range(n_draws)])
    p_value = (1 + int((drawn >= found).sum())) / (n_draws + 1)
    return MoranTest(found, -1 / (len(residual) - 1), p_value, len(residual))


def spatial_covariates(points: pd.DataFrame, *, distance_m: float, count: int) -> pd.DataFrame:
    """Return smooth patterns of space, broadest first, to put beside habitat in psi's formula.

    Moran's eigenvectors (Griffith 2003; Dray et al. 2006, doi:10.1016/j.ecolmodel.2006.02.015): the patterns over these
    cells in which neighbours are most alike. How many are worth their parameters is for :func:`compare_models` to
    say. Habitat that itself varies smoothly shares what it explains with them.

    Parameters
    ----------
    points : DataFrame
        x, y by cell, metres: all cells for which psi is wanted, surveyed or not.
    distance_m : float
        Cells at most so far apart are neighbours.
    count : int
        How many patterns.

    Returns
    -------
    DataFrame
        space_1 ... space_count by cell, mean 0, variance 1.

    Raises
    ------
    ContractError
        If there are not so many patterns in which neighbours are alike.
    """
    n = len(points)
    first, second = neighbours(points[["x", "y"]].to_numpy(dtype=float), distance_m=distance_m)
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import LinearOperator, eigsh

    links = coo_array((np.ones(len(first)), (first, second)), shape=(n, n)).tocsr()

    def centred(vector: Floats) -> Floats:
        inner = links @ (vector - vector.mean())
        return inner - inner.mean()

    operator = LinearOperator((n, n), matvec=centred, dtype=float)
    start = np.random.default_rng(0).standard_normal(n)  # a start of its own would differ from run to run
    values, vectors = eigsh(operator, k=min(count, n - 1), which="LA", v0=start)
    order = np.argsort(-values, kind="stable")
    if len(order) < count or values[order[-1]] <= 1e-9:
        raise ContractError(f"there are not {count} spatial patterns", where="cells", mend="ask for fewer")
    patterns = vectors[:, order] * np.sqrt(n)
    patterns *= np.sign(patterns[np.abs(patterns).argmax(axis=0), np.arange(count)])  # a sign of its own choosing
    return pd.DataFrame(patterns, index=points.index, columns=[f"space_{k + 1}" for k in range(count)])
