"""Weights of maps, trajectories and breaks, written by `benchmarks/combination.py --fit`.

Learnt on standard and hard landscapes of seeds 0 to 4.
"""

WEIGHTS = {
    ("maps", "trajectories"): (-1.533, 0.483, 0.103, 1.072, 0.350, 1.332, 0.447),
    ("maps", "breaks"): (0.575, 0.621, 0.031, 1.133, -0.723, 0.429, -1.446),
    ("maps", "trajectories", "breaks"): (-0.646, 0.392, 0.000, 1.084, 0.226, 1.432, 0.461, -0.717, 0.391, -1.605),
}
"""By way of telling loss; see :func:`habitat.change.combination.loss_features`."""
ONE_YEAR = {
    ("maps", "trajectories"): (-3.098, 0.364, 0.061, 0.739, 1.338, 0.826, 2.307),
    ("maps", "breaks"): (-1.246, 0.478, -0.102, 0.860, 1.539, 0.594, 0.310),
    ("maps", "trajectories", "breaks"): (-2.873, 0.291, -0.063, 0.731, 1.502, 0.589, 2.190, 1.072, 0.290, -0.731),
}
"""The same where all labels were of one year."""
