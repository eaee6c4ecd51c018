"""Weights of maps, trajectories and breaks, written by `benchmarks/combination.py --fit`.

Learnt on standard and hard landscapes of seeds 0 to 4.
"""

WEIGHTS = {
    ("maps", "trajectories"): (-2.607, 0.452, 0.176, 0.946, 0.697, 0.060, 1.105, 2.982, -1.853),
    ("maps", "breaks"): (0.663, 0.664, 0.054, 1.172, -0.225, 0.120, -1.520),
    ("maps", "trajectories", "breaks"): (
        -1.475,
        0.387,
        0.085,
        0.998,
        0.293,
        0.368,
        0.839,
        2.942,
        -1.727,
        -0.353,
        0.171,
        -1.522,
    ),
}
"""By way of telling loss; see :func:`habitat.change.combination.loss_features`."""
ONE_YEAR = {
    ("maps", "trajectories"): (-4.125, 0.321, 0.251, 0.698, 1.435, -0.365, 2.452, 3.372, -1.854),
    ("maps", "breaks"): (-0.649, 0.516, 0.073, 0.982, 1.104, 0.440, -0.576),
    ("maps", "trajectories", "breaks"): (
        -3.325,
        0.268,
        0.099,
        0.733,
        1.159,
        -0.167,
        1.862,
        3.141,
        -1.567,
        0.358,
        0.409,
        -0.880,
    ),
}
"""The same where all labels were of one year."""
