"""Weights of maps, trajectories and breaks, written by `benchmarks/combination.py --fit`.

Learnt on standard and hard landscapes of seeds 0 to 4.
"""

WEIGHTS = {
    ("maps", "trajectories"): (-1.533, 0.483, 0.103, 1.072, 0.350, 1.332, 0.447),
    ("maps", "breaks"): (0.519, 0.635, 0.045, 1.135, -1.828, 0.777, -1.290),
    ("maps", "trajectories", "breaks"): (-0.744, 0.401, 0.016, 1.092, 0.309, 1.373, 0.435, -1.940, 0.792, -1.356),
}
"""By way of telling loss; see :func:`habitat.change.combination.loss_features`."""
