"""Power by hand, against simulated surveys, and in the right order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks import design, limits
from habitat.errors import EstimationError, RecipeError
from habitat.occupancy import SurveyDesign, cameras_needed, change_power, occupancy_variance, simulated_power
from habitat.simulate import make_survey_landscape


def test_without_missed_animals_power_is_that_of_two_shares():
    sure = SurveyDesign(cameras=100, nights=90, p_night=0.9)
    spread = np.sqrt(0.4 * 0.6 / 100 + 0.2 * 0.8 / 100)
    expected = norm.sf(1.959964 - 0.2 / spread) + norm.cdf(-1.959964 - 0.2 / spread)
    assert change_power(0.4, -0.5, sure) == pytest.approx(expected, abs=1e-4)


def test_the_variance_is_that_of_two_occasions_by_hand():
    of = SurveyDesign(cameras=50, nights=20, p_night=1 - 0.5**0.1)
    p = 0.5  # on ten nights
    found = 1 - (1 - p) ** 2
    by_hand = 0.3 / 50 * (0.7 + (1 - found) / (found - 2 * p * (1 - p)))
    assert of.occasions == 2
    assert occupancy_variance(0.3, of) == pytest.approx(by_hand)


def test_power_grows_with_cameras_nights_and_change():
    def power(cameras=100, nights=60, change=-0.3):
        return change_power(0.5, change, SurveyDesign(cameras, nights, 0.03))

    assert power(cameras=50) < power() < power(cameras=200)
    assert power(nights=30) < power() < power(nights=90)
    assert power(change=-0.2) < power() < power(change=-0.5)
    assert power(change=0.0) == pytest.approx(0.05)
    n = cameras_needed(0.5, -0.3, SurveyDesign(2, 60, 0.03))
    assert power(cameras=n) >= 0.8 > power(cameras=n - 1)


def test_simulated_surveys_agree_with_the_formula():
    land = make_survey_landscape(psi=0.5, seed=0)
    of = SurveyDesign(150, 60, 0.03)
    found = simulated_power(land["psi"].to_numpy(), -0.4, of, n_surveys=40)
    expected = change_power(0.5, -0.4, of)
    assert found["seen"].mean() == pytest.approx(expected, abs=2.6 * np.sqrt(expected * (1 - expected) / 40))
    assert found["before"].mean() == pytest.approx(0.5, abs=0.03)
    assert found["after"].mean() == pytest.approx(0.3, abs=0.03)
    assert found["difference_se"].mean() == pytest.approx(found.eval("after - before").std(), rel=0.3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SurveyDesign(100, 10, 0.03), "no two occasions"),
        (lambda: SurveyDesign(100, 60, 0.0), "no chance between 0 and 1"),
        (lambda: change_power(0.5, 1.0, SurveyDesign(100, 60, 0.03)), "occupancy of 0.5 and 1"),
        (lambda: cameras_needed(0.5, -0.001, SurveyDesign(100, 60, 0.03)), "cameras are not enough"),
        (lambda: simulated_power(np.full(50, 0.5), -0.3, SurveyDesign(60, 60, 0.03)), "60 cameras for 50 cells"),
    ],
)
def test_designs_that_cannot_be_are_refused(make, words):
    with pytest.raises(EstimationError, match=words):
        make()


def test_a_table_landscape_has_the_occupancy_that_was_asked_for_and_follows_forest():
    land = make_survey_landscape(psi=0.3, seed=4)
    assert len(land) == 400
    assert land["psi"].mean() == pytest.approx(0.3)
    assert 0.6 < land["forest_share"].mean() < 0.7
    logit = np.log(land["psi"] / (1 - land["psi"]))
    np.testing.assert_allclose(np.polyfit(land["forest_share"], logit, 1)[0], 3.0)
    assert land.equals(make_survey_landscape(psi=0.3, seed=4))
    with pytest.raises(RecipeError, match="psi of 1"):
        make_survey_landscape(psi=1.0)


# -- the studies run ------------------------------------------------------------------------------------


def test_limits_of_twenty_surveys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "DESIGNS", {name: limits.DESIGNS[name] for name in ("single", "dynamic")})
    monkeypatch.setattr(limits, "DRAWS", 50)
    monkeypatch.setattr(limits, "speed", lambda: 0.5)
    tables = limits.main(20, tmp_path)
    for table in tables.values():
        assert (table["runs"] == 20).all()
        # of 20 runs one has fewer than 16 hits in 10,000 where limits are right
        assert (table["coverage"] >= 0.75).all()
        assert (table["bias"].abs() < 0.02 + 4 * table["mc_se"]).all()
    assert "Missed:" in (tmp_path / "limits.md").read_text()


def test_power_of_two_landscapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(design, "CHECKED", design.CHECKED[-1:])
    ((formula, simulated, _),) = design.main(10, [0, 1], tmp_path)
    assert formula > 0.9
    assert simulated > 0.7
    assert (tmp_path / "design.md").read_text().count("| 100 | 60 |") == 1
