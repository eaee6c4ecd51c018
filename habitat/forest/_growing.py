"""Growing symmetric trees, compiled when one is first grown.

A level of a tree is one question, the same for all its leaves. Which one is told from histograms: sums of gradients
and curvatures by leaf and bin, one predictor after another, so that what is being filled stays in the cache.
"""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled


@compiled
def differentiate(scores, target, weight, slopes):  # type: ignore[no-untyped-def]
    """Fill `slopes` (row, 2 outputs): first and second derivatives of the log loss by each score, by row.

    With one output it is that of logistic regression, with more the softmax's (its Hessian's diagonal).
    """
    rows, outputs = scores.shape
    share = np.empty(outputs, np.float64)
    for i in range(rows):
        w = weight[i]
        if outputs == 1:
            p = 1.0 / (1.0 + np.exp(-np.float64(scores[i, 0])))
            slopes[i, 0] = w * (p - target[i])
            slopes[i, 1] = w * p * (1.0 - p)
            continue
        top = scores[i, 0]
        for k in range(outputs):
            top = max(top, scores[i, k])
        total = 0.0
        for k in range(outputs):
            share[k] = np.exp(np.float64(scores[i, k] - top))
            total += share[k]
        for k in range(outputs):
            p = share[k] / total
            slopes[i, k] = w * (p - (1.0 if target[i] == k else 0.0))
            slopes[i, outputs + k] = w * p * (1.0 - p)


@compiled
def gains(bins, rows, leaf, slopes, sizes, l2):  # type: ignore[no-untyped-def]
    """Return how much each border of one predictor would lessen the loss, float64 (border,), up to a constant.

    `bins` (row,) of the predictor; `rows` are those that count; a row goes right of border b if its bin exceeds b.
    """
    n_leaves, n_bins = sizes
    width = slopes.shape[1]
    outputs = width // 2
    sums = np.zeros((n_leaves, n_bins, width), np.float32)
    for i in range(rows.size):
        row = rows[i]
        here = sums[leaf[row], bins[row]]
        own = slopes[row]
        for k in range(width):
            here[k] += own[k]
    gain = np.zeros(n_bins - 1, np.float64)
    total = np.empty(width, np.float32)
    left = np.empty(width, np.float32)
    for node in range(n_leaves):
        total[:] = 0
        for b in range(n_bins):
            here = sums[node, b]
            for k in range(width):
                total[k] += here[k]
        left[:] = 0
        for b in range(n_bins - 1):
            here = sums[node, b]
            found = np.float32(0)
            for k in range(width):
                left[k] += here[k]
            for k in range(outputs):
                g, h = left[k], max(left[outputs + k], np.float32(0))
                rest_g, rest_h = total[k] - g, max(total[outputs + k] - left[outputs + k], np.float32(0))
                found += g * g / (h + l2) + rest_g * rest_g / (rest_h + l2)
            gain[b] += found
    return gain


@compiled
def split(bins, border, level, leaf):  # type: ignore[no-untyped-def]
    """Write a level's answer of each row into `leaf`: its bit is set where the bin exceeds the border."""
    for i in range(leaf.size):
        if bins[i] > border:
            leaf[i] |= 1 << level


@compiled
def leaf_steps(rows, leaf, slopes, n_leaves, l2):  # type: ignore[no-untyped-def]
    """Return the Newton step of each leaf and output, float64 (leaf, output): minus slope over curvature plus `l2`."""
    outputs = slopes.shape[1] // 2
    sums = np.zeros((n_leaves, 2 * outputs), np.float64)
    for i in range(rows.size):
        row = rows[i]
        for k in range(2 * outputs):
            sums[leaf[row], k] += slopes[row, k]
    steps = np.empty((n_leaves, outputs), np.float64)
    for node in range(n_leaves):
        for k in range(outputs):
            steps[node, k] = -sums[node, k] / (sums[node, outputs + k] + l2)
    return steps


@compiled
def advance(scores, leaf, values):  # type: ignore[no-untyped-def]
    """Add each row's leaf to its scores."""
    for i in range(leaf.size):
        for k in range(scores.shape[1]):
            scores[i, k] += values[leaf[i], k]
