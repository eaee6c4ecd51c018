"""Weights of maps, trajectories and breaks, written by `benchmarks/combination.py --fit`.

Learnt on standard and hard landscapes of seeds 0 to 4.
"""

WEIGHTS = {
    ("maps", "trajectories"): (-2.850, 0.413, 0.177, 0.903, 0.899, -0.149, 1.284, 3.223, -1.920),
    ("maps", "breaks"): (0.575, 0.621, 0.031, 1.133, -0.723, 0.429, -1.446),
    ("maps", "trajectories", "breaks"): (
        -1.720,
        0.342,
        0.070,
        0.958,
        0.447,
        0.181,
        0.969,
        3.039,
        -1.667,
        -1.393,
        0.588,
        -1.478,
    ),
}
"""By way of telling loss; see :func:`habitat.change.combination.loss_features`."""
ONE_YEAR = {
    ("maps", "trajectories"): (-4.136, 0.330, 0.130, 0.608, 2.011, -0.610, 2.895, 2.834, -1.359),
    ("maps", "breaks"): (-1.246, 0.478, -0.102, 0.860, 1.539, 0.594, 0.310),
    ("maps", "trajectories", "breaks"): (
        -4.190,
        0.278,
        0.013,
        0.641,
        1.744,
        -0.501,
        2.577,
        2.640,
        -1.171,
        0.446,
        0.534,
        0.100,
    ),
}
"""The same where all labels were of one year."""
