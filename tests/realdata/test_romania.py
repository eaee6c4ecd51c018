"""Romania, one real square kilometre: one half trains and the other judges (benchmarks/romania.py)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely.geometry import Point

from benchmarks import romania

pytestmark = pytest.mark.realdata

NEAR_M = 40
"""Two pixels: a patch found here is the one that was looked at there."""


@pytest.fixture(scope="session")
def data(realdata):
    folder = realdata / "realdata" / "romania"
    if not folder.is_dir():
        pytest.skip("HABITAT_REALDATA holds no realdata/romania")
    return folder


@pytest.fixture(scope="session")
def truth(data):
    return romania.read_truth(data)


@pytest.fixture(scope="session")
def runs(data, tmp_path_factory):
    work = tmp_path_factory.mktemp("romania")
    return {half: romania.run_half(data, half, work) for half in romania.HALVES}


@pytest.fixture(scope="session")
def figures(data, runs):
    return romania.score(data, runs)


@pytest.mark.parametrize("plain", ["plain forest, bands", "plain forest, bands and indices"])
def test_not_below_a_plain_random_forest(figures, plain):
    assert figures["all pixels"]["habitat"][f"minus {plain}"]["difference"] >= -0.01


def test_right_where_the_labels_are_sure(figures):
    assert figures["tree cover outside 30-70%"]["habitat"]["mean"] >= 0.98


def test_every_pixel_was_seen_in_every_year(figures):
    for shares in figures["seen"].values():
        assert set(shares.values()) == {1.0}


def test_outside_the_tile_nothing_is_known(truth, runs):
    for run in runs.values():
        with rasterio.open(run.folder / f"forest/{romania.JUDGED}.tif") as file:
            known = int((file.read(1) != 0).sum())
        assert known <= truth.cover.size


def test_no_loss_in_a_year_that_was_not_seen(truth, runs):
    for run in runs.values():
        loss = romania.read_aligned(run.folder / "change/loss_year.tif", truth)
        assert set(np.unique(loss)) <= {0, *romania.YEARS[1:], 65535}
        for year in romania.YEARS:
            code = romania.read_aligned(run.folder / f"forest/{year}.tif", truth)
            assert not ((loss == year) & (code == 0)).any()


@pytest.mark.parametrize("half", ["west", "east"])
def test_a_loss_seen_by_eye_is_found(runs, half):
    verdicts = pd.read_csv(romania.RESULTS / "romania_patches.csv")
    real = verdicts[(verdicts["verdict"] == "real") & (verdicts["trained_on"] == half)]
    assert len(real)
    found = runs[half].patches
    hits = [
        ((found["year"] == row.year) & (found.distance(Point(row.easting, row.northing)) < NEAR_M)).any()
        for row in real.itertuples()
    ]
    assert any(hits)
