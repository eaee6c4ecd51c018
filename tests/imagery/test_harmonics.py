"""The course of a year: found from many looks or few, by an independent fit, and in spite of a cloud."""

from __future__ import annotations

import numpy as np
import pytest

from habitat.imagery import fit_harmonics, harmonic_names
from habitat.imagery.harmonics import PARTS, STIFFNESS
from habitat.seasons import Season
from imagery.stacks import stack

ALL_YEAR = (Season.parse("mapping", "06-01/09-15"), Season.parse("rest", "01-01/12-31"))
TRUE = {"level": 0.5, "cos": -0.2, "sin": 0.05, "cos2": 0.08, "sin2": -0.03}
NIR = 0.4


def turns(days: list[str]) -> np.ndarray:
    """Share of 2020 that has passed, as an angle."""
    passed = np.array(days, dtype="datetime64[D]") - np.datetime64("2020-01-01")
    return 2 * np.pi * passed.astype(float) / 365.25


def course(days: list[str]) -> np.ndarray:
    t = turns(days)
    waves = (np.ones_like(t), np.cos(t), np.sin(t), np.cos(2 * t), np.sin(2 * t))
    return sum(value * wave for value, wave in zip(TRUE.values(), waves, strict=True))


def looks_of(ndvi: np.ndarray, days: list[str]):
    """A stack of one pixel with this NDVI; NaN stays NaN."""
    red = NIR * (1 - ndvi) / (1 + ndvi)
    return stack(days, red=red[:, None, None], nir08=np.where(np.isnan(ndvi), np.nan, NIR)[:, None, None])


def every(step: int) -> list[str]:
    return [str(np.datetime64("2020-01-03") + k) for k in range(0, 360, step)]


def fitted(ndvi: np.ndarray, days: list[str]) -> dict[str, float]:
    made = fit_harmonics(looks_of(ndvi, days), years=[2020], seasons=ALL_YEAR)
    return {part: made[f"ndvi_{part}"].item() for part in PARTS}


def test_many_looks_give_the_true_course_back() -> None:
    found = fitted(course(every(5)), every(5))
    for part, value in TRUE.items():
        assert found[part] == pytest.approx(value, abs=0.003), part
    assert found["scatter"] == pytest.approx(0, abs=0.003)


def test_eight_looks_and_forty_tell_about_the_same() -> None:
    some = [
        "2020-02-10",
        "2020-03-28",
        "2020-04-20",
        "2020-06-15",
        "2020-07-30",
        "2020-09-05",
        "2020-10-02",
        "2020-11-20",
    ]
    few, many = fitted(course(some), some), fitted(course(every(9)), every(9))
    for part in TRUE:
        assert few[part] == pytest.approx(many[part], abs=0.04), part


def test_the_first_fit_is_ridged_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the augmented system solved by numpy: each stiffness is a look of its own."""
    monkeypatch.setattr("habitat.imagery.harmonics.FITS", 1)
    days = every(40)
    ndvi = course(days) + np.random.default_rng(0).normal(0, 0.05, len(days))
    t = turns(days)
    waves = np.stack([np.ones_like(t), np.cos(t), np.sin(t), np.cos(2 * t), np.sin(2 * t)], axis=1)
    system = np.vstack([waves, np.diag(np.sqrt(STIFFNESS))])
    expected = np.linalg.lstsq(system, np.r_[ndvi, np.zeros(5)], rcond=None)[0]
    found = fitted(ndvi, days)
    assert [found[part] for part in TRUE] == pytest.approx(expected, abs=1e-5)
    hat = waves @ np.linalg.solve(waves.T @ waves + np.diag(STIFFNESS), waves.T)
    squares = np.sum((ndvi - waves @ expected) ** 2)
    assert found["scatter"] == pytest.approx(np.sqrt(squares / (len(days) - np.trace(hat))), abs=1e-5)


def test_scatter_means_the_same_in_eight_looks_and_in_forty() -> None:
    """Noise of 0.05 400 pixels each; over the plain number of looks eight would give 0.030."""
    rng = np.random.default_rng(1)
    found = {}
    for count, step in {6: 60, 8: 45, 40: 9}.items():
        days = every(step)
        assert len(days) == count
        ndvi = course(days)[:, None] + rng.normal(0, 0.05, (count, 400))
        red = NIR * (1 - ndvi) / (1 + ndvi)
        looks = stack(days, red=red[:, None, :], nir08=np.full((count, 1, 400), NIR))
        scatter = fit_harmonics(looks, years=[2020], seasons=ALL_YEAR)["ndvi_scatter"].values
        found[count] = np.sqrt(np.mean(scatter**2))
    assert found[8] == pytest.approx(0.05, abs=0.005)
    assert found[40] == pytest.approx(0.05, abs=0.002)
    assert found[8] == pytest.approx(found[40], rel=0.08)
    assert found[6] == pytest.approx(found[40], rel=0.15)


def test_a_fit_that_spends_all_looks_has_a_course_and_no_scatter() -> None:
    days = ["2020-02-01", "2020-06-01", "2020-10-01"]
    found = fitted(course(days), days)
    assert np.isnan(found["scatter"])
    assert all(np.isfinite(found[part]) for part in TRUE)


def test_a_cloud_that_the_mask_missed_moves_little() -> None:
    days = every(12)
    ndvi = course(days)
    spoilt = ndvi.copy()
    spoilt[15] = 0.0
    clean, robust = fitted(ndvi, days), fitted(spoilt, days)
    for part in TRUE:
        assert robust[part] == pytest.approx(clean[part], abs=0.012), part


def test_fewer_than_three_looks_have_no_course_and_other_years_do_not_count() -> None:
    days = ["2019-12-31", "2020-05-01", "2020-07-01", "2020-08-01", "2021-01-01"]
    ndvi = course(days)
    ndvi[3] = np.nan
    assert all(np.isnan(value) for value in fitted(ndvi, days).values())
    ndvi[3] = 0.8
    assert all(np.isfinite(value) for part, value in fitted(ndvi, days).items() if part != "scatter")


def test_a_look_counts_where_a_season_takes_it() -> None:
    days = every(30)
    winter = (Season.parse("mapping", "06-01/09-15"),)
    made = fit_harmonics(looks_of(course(days), days), years=[2019, 2020], seasons=winter)
    summer = [day for day in days if "2020-06-01" <= day <= "2020-09-15"]
    again = fit_harmonics(looks_of(course(summer), summer), years=[2020], seasons=winter)
    assert np.isnan(made["ndvi_level"].sel(year=2019)).all()
    assert made["ndvi_level"].sel(year=2020).item() == again["ndvi_level"].item()


def test_an_index_whose_band_is_missing_has_no_course() -> None:
    assert harmonic_names(["red", "nir08"]) == tuple(f"ndvi_{part}" for part in PARTS)
    assert harmonic_names(["red", "nir08", "swir16"])[len(PARTS)] == "ndmi_level"
    assert harmonic_names(["green"]) == ()
