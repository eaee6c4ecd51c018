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


def test_a_seam_shrinks_and_what_is_learnt_shrinks_it_further() -> None:
    seen = {way: np.abs(seams.composite_steps(each)) for way, each in seams.measure(seams.SENTINEL2, [0]).items()}
    nir, swir = BANDS.index("nir08"), BANDS.index("swir16")
    assert seen["before"][nir] > 0.02
    assert seen["published"][nir] < 0.005
    assert (seen["published"] < seen["before"]).all()
    assert seen["published"][swir] > 0.008
    assert seen["learnt"].max() < 0.005
