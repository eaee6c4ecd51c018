"""Patches of loss are described by what was put into them, and named by a model that knows when it does not know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from habitat.change import DONT_KNOW, describe_patches, kind_of_loss
from habitat.change._kind_weights import CENTRE, KINDS, PRIOR, SPREAD, WEIGHTS
from habitat.change.patches import ATTRIBUTES
from habitat.change.signs import SIGNS, read_signs, well_seen
from habitat.cubes import BANDS
from habitat.errors import ContractError

FOREST = np.array([0.03, 0.05, 0.03, 0.30, 0.16, 0.08])
FELLED = np.array([0.06, 0.09, 0.10, 0.20, 0.30, 0.27])
DAYS = np.arange("2017-04-01", "2022-11-01", 20, dtype="datetime64[D]")
CUT = np.datetime64("2020-02-01")


def stack_with(course: np.ndarray, side: int = 20) -> xr.Dataset:
    """Forest that breathes with the seasons, and 6 x 10 pixels that go from forest to felled by `course`."""
    rng = np.random.default_rng(1)
    angle = 2 * np.pi * (DAYS - DAYS.astype("datetime64[Y]")).astype(int) / 365
    data = {}
    for k, band in enumerate(BANDS):
        season = 1 - 0.2 * np.cos(angle)
        values = FOREST[k] * season[:, None, None] * rng.normal(1, 0.01, (len(DAYS), side, side))
        values[:, 4:10, 5:15] *= ((1 - course) + course * FELLED[k] / FOREST[k])[:, None, None]
        data[band] = (("time", "y", "x"), values.astype(np.float32))
    data["quality"] = (("time", "y", "x"), np.zeros((len(DAYS), side, side), np.uint8))
    return xr.Dataset(data, coords={"time": DAYS.astype("datetime64[ns]")})


def described(stack: xr.Dataset, patches: np.ndarray | None = None) -> pd.DataFrame:
    block = np.zeros((20, 20), int)
    block[4:10, 5:15] = 1
    return describe_patches(
        stack, block if patches is None else patches, pd.Series({1: 2020}), reference=block == 0, pixel_m=20
    )


def test_a_felling_is_described_as_it_is_without_the_seasons() -> None:
    row = described(stack_with((DAYS >= CUT).astype(float))).loc[1]
    assert row["date"] == DAYS[DAYS >= CUT][0]
    assert row["earliest"] == DAYS[DAYS < CUT][-1]
    for k, band in enumerate(BANDS):
        assert row[f"change_{band}"] == pytest.approx(np.log(FELLED[k] / FOREST[k]), abs=0.01)
    assert row["early_nir08"] == pytest.approx(np.log(0.20 / 0.30), abs=0.01)
    assert row["later_nbr"] == pytest.approx(0, abs=0.01)
    assert row["slowness"] == pytest.approx(0, abs=0.02)
    assert row["ramp_years"] < 0.01
    assert np.exp(row["log_gap_days"]) == pytest.approx(20)


def test_a_slow_death_shows_in_its_length() -> None:
    course = np.clip((DAYS - np.datetime64("2019-06-01")) / np.timedelta64(600, "D"), 0, 1)
    row = described(stack_with(course)).loc[1]
    assert row["ramp_years"] == pytest.approx(600 / 365.25)
    assert row["ramp_gain"] > 1
    assert row["slowness"] > 0.1


def test_regrowth_shows_as_what_is_regained() -> None:
    years = (DAYS - CUT) / np.timedelta64(365, "D")
    row = described(stack_with(np.where(years < 0, 0, np.clip(1 - 0.3 * years, 0, 1)))).loc[1]
    assert row["later_nbr"] > 0.3


def test_shape_is_that_of_the_pixels() -> None:
    row = described(stack_with((DAYS >= CUT).astype(float))).loc[1]
    assert np.exp(row["log_area_ha"]) == pytest.approx(60 * 0.04)
    assert row["compactness"] == pytest.approx(16 * 60 / 32**2)
    assert row["rectangularity"] == pytest.approx(1)
    cross = np.zeros((20, 20), int)
    cross[9:11, 4:16] = cross[4:16, 9:11] = 1
    ragged = described(stack_with((DAYS >= CUT).astype(float)), cross).loc[1]
    assert ragged["rectangularity"] < 0.5
    assert ragged["compactness"] == pytest.approx(16 * 44 / 48**2)


def test_a_patch_that_was_not_seen_is_not_known() -> None:
    stack = stack_with((DAYS >= CUT).astype(float))
    for band in BANDS:
        stack[band].values[:, 4:10, 5:15] = np.nan
    table = described(stack)
    assert pd.isna(table.loc[1, "date"])
    assert kind_of_loss(table).loc[1, "kind"] == DONT_KNOW


def usual() -> pd.DataFrame:
    """One patch in the middle of each kind: along its weights from the centre of all."""
    steps = np.asarray(WEIGHTS)[:, 1:]
    steps = 2 * steps / np.abs(steps).max(axis=1, keepdims=True)
    return pd.DataFrame(np.asarray(CENTRE) + steps * np.asarray(SPREAD), columns=list(ATTRIBUTES))


def test_probabilities_are_those_of_the_weights_and_a_prior_multiplies_the_odds() -> None:
    said = kind_of_loss(usual())
    assert said["kind"].tolist() == list(KINDS)
    assert said[list(KINDS)].sum(axis=1).to_numpy() == pytest.approx(1)
    prior = dict.fromkeys(KINDS, 1.0) | {"fire": 3.0}
    alike = kind_of_loss(usual(), prior=dict.fromkeys(KINDS, 1.0))
    assert (alike["fire"] / said["fire"]).iloc[2] <= 1 / min(PRIOR)
    odds = alike["fire"] / alike["clear cut"]
    again = kind_of_loss(usual(), prior=prior)
    assert (again["fire"] / again["clear cut"]).to_numpy() == pytest.approx(3 * odds.to_numpy())
    assert (kind_of_loss(usual(), prior={"fire": 1.0})["fire"] == 1).all()


def test_it_does_not_know_what_is_unlike_all_it_was_trained_on_nor_what_is_between_kinds() -> None:
    far = usual()
    far["change_nir08"] += 40 * np.asarray(SPREAD)[list(ATTRIBUTES).index("change_nir08")]
    assert (kind_of_loss(far)["kind"] == DONT_KNOW).all()
    assert (kind_of_loss(usual(), least_probability=1.01)["kind"] == DONT_KNOW).all()


def test_missing_attributes_and_unknown_kinds_are_refused() -> None:
    with pytest.raises(ContractError, match="log_area_ha"):
        kind_of_loss(usual().drop(columns="log_area_ha"))
    with pytest.raises(ContractError, match="meteor"):
        kind_of_loss(usual(), prior={"meteor": 1.0})
    with pytest.raises(ContractError, match="blue"):
        described(stack_with(np.zeros(len(DAYS))).drop_vars("blue"))


BANDS_OF = dict(zip(BANDS, range(6), strict=True))


def signs_of(own: np.ndarray, days: np.ndarray, year: int) -> dict[str, float]:
    return read_signs(*well_seen(own, days), year)


def course_of(changes: dict[str, np.ndarray], pixels: int = 12) -> np.ndarray:
    """Looks (band, time, pixel) less the reference's: quiet, but for the changes of some bands by date."""
    rng = np.random.default_rng(2)
    own = rng.normal(0, 0.01, (6, len(DAYS), pixels))
    for band, change in changes.items():
        own[BANDS_OF[band]] += change[:, None]
    return own


def between(first: str, last: str) -> np.ndarray:
    return ((np.datetime64(first) <= DAYS) & (np.datetime64(last) >= DAYS)).astype(float)


def test_char_is_dark_in_both_infrareds_and_flat_and_shade_is_not_flat() -> None:
    weeks = between("2020-04-20", "2020-05-20")
    fire = signs_of(course_of({"nir08": -0.5 * weeks, "swir16": -0.6 * weeks, "swir22": -0.35 * weeks}), DAYS, 2020)
    assert fire["charring"] == pytest.approx(0.5, abs=0.05)
    assert fire["charred_share"] == 1
    shade = signs_of(course_of(dict.fromkeys(BANDS, -0.5 * weeks)), DAYS, 2020)
    assert shade["darkness"] == pytest.approx(0.5, abs=0.05)
    assert shade["charring"] < 0.1


def test_what_takes_two_summers_is_told_from_what_takes_none() -> None:
    sudden = (DAYS >= CUT).astype(float)
    slow = np.clip((DAYS - np.datetime64("2019-06-01")) / np.timedelta64(700, "D"), 0, 1)
    cut, beetles = (
        signs_of(course_of({"nir08": -0.3 * share, "swir22": 0.4 * share}), DAYS, 2020) for share in (sudden, slow)
    )
    assert cut["first_year"] == pytest.approx(1, abs=0.05)
    assert cut["year_before"] == pytest.approx(0, abs=0.05)
    assert 0.05 < beetles["year_before"] < beetles["first_year"] < 0.85
    assert beetles["slow_gain"] > cut["slow_gain"] + 1
    middle = DAYS[DAYS >= CUT][0] - np.timedelta64(10, "D")
    angle = 2 * np.pi * (middle - middle.astype("datetime64[Y]")).astype(int) / 365.25
    assert (cut["fell_cos"], cut["fell_sin"]) == pytest.approx((np.cos(angle), np.sin(angle)), abs=0.01)
    assert np.exp(cut["fell_gap"]) == pytest.approx(20)


def test_herbs_that_cover_the_soil_show_as_what_red_loses_after_the_first_summer() -> None:
    years = (DAYS - CUT) / np.timedelta64(365, "D")
    red = np.where(years < 0, 0, np.clip(0.8 - 0.3 * np.maximum(years, 0), 0, 0.8))
    signs = signs_of(course_of({"red": red}), DAYS, 2020)
    assert signs["second_red"] == pytest.approx(-0.3, abs=0.03)
    assert signs["third_red"] == pytest.approx(-0.6, abs=0.03)
    assert signs["summer_red"] == pytest.approx(0.8 - 0.3 * 0.48, abs=0.03)


def test_uneven_loss_shows_over_the_pixels_and_nothing_is_said_of_what_was_hardly_seen() -> None:
    own = course_of({})
    share = np.linspace(0, 1, 12)
    own[BANDS_OF["nir08"]] -= np.where((DAYS >= CUT)[:, None], share, 0)
    assert signs_of(own, DAYS, 2020)["uneven_share"] == pytest.approx(share.std() / share.mean(), abs=0.02)
    own[:, 5:] = np.nan
    assert set(signs_of(own, DAYS, 2020)) == set(SIGNS)
    assert np.isnan(list(signs_of(own, DAYS, 2020).values())).all()
