"""Weights of maps, trajectories and breaks, written by `benchmarks/combination.py --fit`.

Learnt on standard and hard landscapes of seeds 0 to 4.
"""

WEIGHTS = {
    ("maps", "trajectories"): (-2.607, 0.452, 0.176, 0.946, 0.697, 0.060, 1.105, 2.982, -1.853),
    ("maps", "breaks"): (0.647, 0.663, 0.055, 1.173, -0.358, 0.159, -1.492),
    ("maps", "trajectories", "breaks"): (
        -1.491,
        0.387,
        0.087,
        0.999,
        0.304,
        0.355,
        0.843,
        2.947,
        -1.736,
        -0.462,
        0.200,
        -1.491,
    ),
}
"""By way of telling loss; see :func:`habitat.change.combination.loss_features`."""
ONE_YEAR = {
    ("maps", "trajectories"): (-4.125, 0.321, 0.251, 0.698, 1.435, -0.365, 2.452, 3.372, -1.854),
    ("maps", "breaks"): (-0.642, 0.515, 0.072, 0.980, 1.260, 0.394, -0.602),
    ("maps", "trajectories", "breaks"): (
        -3.307,
        0.270,
        0.099,
        0.731,
        1.111,
        -0.138,
        1.881,
        3.147,
        -1.586,
        0.574,
        0.336,
        -0.912,
    ),
}
"""The same where all labels were of one year."""
