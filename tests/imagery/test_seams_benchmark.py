"""The seam's own model of directions is another than the correction's, and the correction helps against it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import seams
from habitat.cubes import BANDS
from habitat.simulate.sky import Sun

SUN = Sun(azimuth=150, elevation=50)


@pytest.mark.parametrize("canopy", seams.CANOPIES)
def test_canopies_are_brightest_where_they_hide_their_shadows(canopy: str) -> None:
    for parameters in seams.CANOPIES[canopy]:
        behind, ahead = (seams.rahman(*parameters, SUN, 10, azimuth) for azimuth in (150, 330))
        assert behind > seams.rahman(*parameters, SUN, 0, 0) > ahead


def test_from_above_the_middle_sun_changes_nothing() -> None:
    assert seams.anisotropy("conifers", SUN, SUN, 0, 77) == (1, 1)


def test_a_seam_shrinks() -> None:
    before, after, _ = seams.measure(seams.SENTINEL2, [0])
    nir = BANDS.index("nir08")
    assert abs(seams.composite_steps(before)[nir]) > 0.02
    assert abs(seams.composite_steps(after)[nir]) < 0.005
    assert (np.abs(seams.composite_steps(after)) < np.abs(seams.composite_steps(before))).all()
