"""The study of slopes runs, and on a small landscape little is left of relief and the classes stay apart."""

from __future__ import annotations

import numpy as np

from benchmarks import relief
from habitat.simulate.sky import Sun

SEED, SIZE_KM = 2, 1.2
AUGUST = 4


def test_little_is_left_of_relief_and_the_classes_stay_apart() -> None:
    seen = relief.see(SEED, SIZE_KM)
    before, after, truth = (
        relief.score(seen, AUGUST, values[AUGUST]) for values in (seen.bands(), relief.levelled(seen), seen.flat)
    )
    assert (after.error < 0.2 * before.error).all()
    assert abs(after.contrast - truth.contrast) < 0.005
    assert abs(after.variation - truth.variation) < 0.1 * abs(before.variation - truth.variation) + 0.001


def test_other_corrections_of_the_same_look_run_and_find_something() -> None:
    seen = relief.see(SEED, SIZE_KM)
    before = relief.score(seen, AUGUST, seen.bands()[AUGUST]).error[relief.NIR]
    for name, correct in relief.OTHERS.items():
        made = correct(seen, AUGUST)
        assert np.isfinite(made).all(), name
        assert relief.score(seen, AUGUST, made).error[relief.NIR] < 1.5 * before, name


def test_shadows_are_those_of_traced_rays() -> None:
    height = 5 * relief.see(SEED, 0.9).height_m
    pixels = relief.shadows(height, Sun(155.0, 24.0), 10.0)
    assert pixels.dark > 1000
    assert pixels.found > 0.97 * pixels.dark
    assert pixels.false < 0.05 * (pixels.all - pixels.dark)  # a small window is mostly edges
    assert pixels.off_edges <= 2
