"""Boosted symmetric trees: every level of a tree asks one question of all pixels, so that asking is cheap.

Gradient boosting (Friedman 2001, doi:10.1214/aos/1013203451) with steps of second order and a penalty on leaves (Chen
and Guestrin 2016, doi:10.1145/2939672.2939785) of trees that are symmetric (Prokhorenkova et al. 2018,
arXiv:1706.09516). A leaf holds a value for each class, so that one tree serves all classes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

MAX_BORDERS = 255
MAX_DEPTH = 8
"""A leaf's number and a predictor's bin are bytes."""


class SymmetricTrees(ClassifierMixin, BaseEstimator):
    """A classifier of boosted symmetric trees.

    A missing value (NaN) lies below every border of its predictor, and where values are missing in training one more
    border tells them from all others: what a missing season means is learnt.

    Parameters
    ----------
    n_trees : int
    depth : int
        Questions of a tree, 1 to 8.
    learning_rate : float
        Share of each tree's step that is taken, above 0.
    l2 : float
        Penalty on leaves, in units of curvature, above 0: a leaf with little weight says little.
    row_share, feature_share : float
        Share of the rows and of the predictors that a tree may see, drawn anew for each; above 0, at most 1.
    n_borders : int
        Borders of a predictor among which trees choose, at its quantiles; at most 255.
    random_state : int, RandomState or None

    Attributes
    ----------
    classes_ : array (class,)
    n_features_in_ : int
    borders_ : float32 array (border,)
        Those that trees use, by predictor, ascending.
    border_starts_ : int64 array (predictor + 1,)
        Where each predictor's begin.
    split_features_ : int64 array (tree, level)
    split_bins_ : uint8 array (tree, level)
        A level asks whether the predictor exceeds its border of this number.
    leaves_ : int32 array (tree, leaf, output)
        What leaves say, in units of `unit_`, 0 or more. Two classes have one output, the log odds of the second.
    unit_ : float
        A power of two.
    bias_ : float32 array (output,)
        What is added to the sum of leaves.
    """

    def __init__(  # noqa: PLR0913 - scikit-learn's manner: what is set is a parameter
        self,
        *,
        n_trees: int = 100,
        depth: int = 6,
        learning_rate: float = 0.12,
        l2: float = 2.0,
        row_share: float = 0.8,
        feature_share: float = 0.5,
        n_borders: int = 64,
        random_state: Any = None,
    ) -> None:
        self.n_trees = n_trees
        self.depth = depth
        self.learning_rate = learning_rate
        self.l2 = l2
        self.row_share = row_share
        self.feature_share = feature_share
        self.n_borders = n_borders
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X : array (sample, predictor)
            NaN = missing.
        y : array (sample,)
        sample_weight : array (sample,), optional

        Raises
        ------
        ValueError
            If a parameter is out of range, or all samples are of one class.
        """
        self._check_settings()
        X, y = validate_data(self, X, y, dtype=np.float32, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self.classes_, target = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("SymmetricTrees needs samples of 2 classes or more; the data hold one class")
        self._grow(X, target, (weight / weight.mean()).astype(np.float32))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, float32 (sample, class)."""
        return probabilities(self.decision_scores(X)).T

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each sample."""
        check_is_fitted(self)
        return self.classes_[likeliest(self.decision_scores(X))]

    def decision_scores(self, X: Any) -> np.ndarray:
        """Return each output's score, float32 (output, sample)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, ensure_all_finite="allow-nan", reset=False)
        return self.score_columns(np.ascontiguousarray(X.T))

    def score_columns(self, table: np.ndarray) -> np.ndarray:
        """Return each output's score of a float32 table (predictor, sample), as (output, sample).

        The same numbers as :meth:`decision_scores`, without looking the table over.
        """
        return self.column_scorer()(table)

    def column_scorer(self) -> Callable[[np.ndarray], np.ndarray]:
        """Return :meth:`score_columns` for many tables: what is the same for all of them is made once."""
        from habitat.forest._evaluation import add_trees, in_fours, pack

        trees = tuple(in_fours(own) for own in (self.split_features_, self.split_bins_, pack(self.leaves_)))
        borders, starts, unit, bias = self.borders_, self.border_starts_, np.float32(self.unit_), self.bias_

        def score(table: np.ndarray) -> np.ndarray:
            out = np.empty((len(bias), table.shape[1]), dtype=np.float32)
            add_trees(table, borders, starts, *trees, unit, bias, out)
            return out

        return score

    def _check_settings(self) -> None:
        whole = {"n_trees": np.inf, "depth": MAX_DEPTH, "n_borders": MAX_BORDERS}
        for name, most in whole.items():
            if not 1 <= getattr(self, name) <= most or not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name}={getattr(self, name)} is not between 1 and {most}")
        # at zero leaves would be nothing by nothing, or say nothing
        shares = {"learning_rate": np.inf, "l2": np.inf, "row_share": 1, "feature_share": 1}
        for name, most in shares.items():
            kept = np.float32(getattr(self, name))
            if not 0 < kept <= most or not np.isfinite(kept):
                raise ValueError(f"{name}={getattr(self, name)} is not above 0 and at most {most}")

    def _grow(self, table: np.ndarray, target: np.ndarray, weight: np.ndarray) -> None:
        """Grow tree after tree, each on what the former ones left."""
        from habitat.forest import _growing

        random = check_random_state(self.random_state)
        rows, predictors = table.shape
        borders = [quantile_borders(table[:, f], self.n_borders) for f in range(predictors)]
        bins = np.empty((predictors, rows), dtype=np.uint8)
        for f, own in enumerate(borders):
            bins[f] = np.where(np.isnan(table[:, f]), 0, np.searchsorted(own, table[:, f], side="left"))
        askable = np.flatnonzero([len(own) > 0 for own in borders])
        outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        share = np.bincount(target, weights=weight, minlength=len(self.classes_)) / weight.sum()
        with np.errstate(divide="ignore"):
            logs = np.maximum(np.log(share), -20.0)
        bias = logs[1:] - logs[:1] if outputs == 1 else logs
        scores = np.tile(bias.astype(np.float32), (rows, 1))
        slopes = np.empty((rows, 2 * outputs), dtype=np.float32)
        features = np.zeros((self.n_trees, self.depth), dtype=np.int64)
        asked = np.full((self.n_trees, self.depth), MAX_BORDERS, dtype=np.int64)
        values = np.zeros((self.n_trees, 2**self.depth, outputs))
        n_rows = max(1, round(self.row_share * rows))
        n_features = max(1, round(self.feature_share * len(askable)))
        for tree in range(self.n_trees if len(askable) else 0):
            _growing.differentiate(scores, target, weight, slopes)
            seen = np.sort(random.permutation(rows)[:n_rows])
            offered = np.sort(random.permutation(askable)[:n_features])
            leaf = np.zeros(rows, dtype=np.int64)
            for level in range(self.depth):
                best = (-np.inf, 0, 0)
                for f in offered:
                    gain = _growing.gains(
                        bins[f], seen, leaf, slopes, (2**level, len(borders[f]) + 1), np.float32(self.l2)
                    )
                    at = int(np.argmax(gain))
                    best = max(best, (float(gain[at]), -int(f), -at))
                features[tree, level], asked[tree, level] = -best[1], -best[2]
                _growing.split(bins[-best[1]], -best[2], level, leaf)
            steps = _growing.leaf_steps(seen, leaf, slopes, 2**self.depth, self.l2)
            values[tree] = self.learning_rate * steps
            _growing.advance(scores, leaf, values[tree])
        self.split_features_ = features
        self._keep_borders(borders, asked)
        self._round_leaves(values, bias)

    def _round_leaves(self, values: np.ndarray, bias: np.ndarray) -> None:
        """Keep leaves as whole numbers of the smallest power of two with which no sum is too large."""
        from habitat.forest._evaluation import BITS

        least = values.min(axis=1, keepdims=True)
        room = 2.0**BITS - 1 - self.n_trees
        span = float((values - least).max(axis=1).sum(axis=0).max())
        self.unit_ = float(2.0 ** np.ceil(np.log2(max(span, 1e-6) / room)))
        self.leaves_ = np.rint((values - least) / self.unit_).astype(np.int32)
        self.bias_ = (bias + least.sum(axis=(0, 1))).astype(np.float32)

    def _keep_borders(self, borders: list[np.ndarray], asked: np.ndarray) -> None:
        """Keep the borders that a tree asks for, and number them anew."""
        kept, starts = [], [0]
        self.split_bins_ = np.full(asked.shape, MAX_BORDERS, dtype=np.uint8)
        for f, own in enumerate(borders):
            here = (self.split_features_ == f) & (asked < MAX_BORDERS)
            used, places = np.unique(asked[here], return_inverse=True)
            kept.append(own[used])
            starts.append(starts[-1] + len(used))
            self.split_bins_[here] = places
        self.borders_ = np.concatenate(kept).astype(np.float32)
        self.border_starts_ = np.array(starts, dtype=np.int64)


def quantile_borders(values: np.ndarray, n_borders: int) -> np.ndarray:
    """Return at most `n_borders` borders between the values that occur, float32, ascending.

    Between all neighbours if they are few, else near the quantiles; minus infinity comes first where values are
    missing.

    >>> quantile_borders(np.float32([1, 3, 3, np.nan]), 8)
    array([-inf,   2.], dtype=float32)
    """
    seen = values[~np.isnan(values)]
    first = np.full(1 if 0 < len(seen) < len(values) else 0, -np.inf, dtype=np.float32)
    room = n_borders - len(first)
    distinct = np.unique(seen)
    if len(distinct) < 2 or room < 1:
        return first
    if len(distinct) - 1 > room:
        shares = np.arange(1, room + 1) / (room + 1)
        at = np.searchsorted(distinct, np.quantile(seen, shares, method="lower"))
        at = np.unique(np.minimum(at, len(distinct) - 2))
    else:
        at = np.arange(len(distinct) - 1)
    low, high = distinct[at], distinct[at + 1]
    middle = (low + (high - low) / 2).astype(np.float32)
    # neighbours so close that no number lies between: what equals the lower one stays below
    return np.concatenate([first, np.where(middle < high, middle, low)])


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Scores (output, ...) as probabilities (class, ...): logistic for one output, softmax for more."""
    if len(scores) == 1:
        scores = np.concatenate([np.zeros_like(scores), scores])
    shares = np.exp(scores - scores.max(axis=0))
    return shares / shares.sum(axis=0)


def likeliest(scores: np.ndarray) -> np.ndarray:
    """Number of the likeliest class, the first of equals: scores (output, ...) to (...)."""
    return (scores[0] > 0).astype(np.intp) if len(scores) == 1 else scores.argmax(axis=0)
