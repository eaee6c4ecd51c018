"""Burns: found by char within weeks, told from fellings, shade and seasons, counted, and followed by what grows."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from habitat.change import BurnRules, burnt_class, burnt_to_open, find_burns, fire_frequency
from habitat.errors import ContractError

FOREST = {"green": 0.05, "nir08": 0.30, "swir16": 0.16, "swir22": 0.08}
CHAR = {"green": 0.04, "nir08": 0.09, "swir16": 0.13, "swir22": 0.12}
FELLED = {"green": 0.09, "nir08": 0.20, "swir16": 0.30, "swir22": 0.27}
DAYS = np.arange("2019-04-01", "2021-10-31", 16, dtype="datetime64[D]")
DAYS = DAYS[(DAYS.astype("datetime64[M]").astype(int) % 12 >= 3) & (DAYS.astype("datetime64[M]").astype(int) % 12 <= 9)]


LITTER = {"green": 0.10, "nir08": 0.285, "swir16": 0.365, "swir22": 0.25}
ROWS = 5


def stack_of(pixels: int = 100) -> xr.Dataset:
    """Rows of forest that breathes with the seasons and is never quite still."""
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * (DAYS - DAYS.astype("datetime64[Y]")).astype(int) / 365
    season = {"green": 0.0, "nir08": -0.4, "swir16": 0.1, "swir22": 0.3}
    bands = {
        name: level * (1 + season[name] * np.cos(angle))[:, None, None] * rng.normal(1, 0.01, (len(DAYS), ROWS, pixels))
        for name, level in FOREST.items()
    }
    data = {name: (("time", "y", "x"), values.astype(np.float32)) for name, values in bands.items()}
    data["quality"] = (("time", "y", "x"), np.zeros((len(DAYS), ROWS, pixels), np.uint8))
    return xr.Dataset(data, coords={"time": DAYS.astype("datetime64[ns]")})


def put(stack: xr.Dataset, pixels: slice, surface: dict[str, float], first: str, last: str) -> None:
    inside = (np.datetime64(first) <= DAYS) & (np.datetime64(last) >= DAYS)
    for name, value in surface.items():
        stack[name].values[inside, :, pixels] = value


def index(surface: dict[str, float]) -> float:
    return (surface["nir08"] - surface["swir22"]) / (surface["nir08"] + surface["swir22"])


def test_a_fire_that_a_summer_pair_would_miss_is_found_with_its_date_and_fall() -> None:
    stack = stack_of()
    put(stack, slice(0, 10), CHAR, "2020-07-01", "2020-08-20")
    burns = find_burns(stack)
    assert burns["burns"].values[2].tolist() == [1] * 10 + [0] * 90
    first = DAYS[np.datetime64("2020-07-01") <= DAYS][0]
    before = DAYS[np.datetime64("2020-07-01") > DAYS][-1]
    assert (burns["date"].values[0, :, :10].astype("datetime64[D]") == first).all()
    assert (burns["earliest"].values[0, :, :10].astype("datetime64[D]") == before).all()
    unburnt = {name: float(np.median(stack[name].sel(time=first).values[:, 50:])) for name in FOREST}
    falls = [np.log(unburnt[name] / CHAR[name]) for name in ("nir08", "swir16")]
    assert burns["charring"].values[0, 2, 3] == pytest.approx(np.mean(falls), abs=0.03)
    # char stands for the three looks within 40 days; what is usual on the day is forest's own index
    assert burns["dnbr"].values[0, 2, 3] == pytest.approx(index(unburnt) - index(CHAR), abs=0.06)
    assert (burns["severity"].values[0, :, :10] == 4).all()
    assert abs(burns["dnbr_year"].values[0, 2, 3]) < 0.03


def test_char_under_leafless_crowns_is_found_though_the_burn_ratio_hardly_falls() -> None:
    """Half litter, half crowns, and the litter burns: both have nearly the same ratio."""
    stack = stack_of()
    for name in FOREST:
        values = stack[name].values
        values[:, :, :60] = (0.5 * values + 0.5 * LITTER[name])[:, :, :60]
        burnt = (np.datetime64("2020-05-01") <= DAYS) & (np.datetime64("2020-06-20") >= DAYS)
        values[np.ix_(burnt, range(ROWS), range(20))] -= np.float32(0.5 * (LITTER[name] - CHAR[name]))
    burns = find_burns(stack, strata=np.repeat((np.arange(100) < 60)[None], ROWS, axis=0).astype(int))
    assert burns["burns"].values[2].tolist() == [1] * 20 + [0] * 80
    assert (burns["charring"].values[0, 2, :19] > 0.3).all()
    assert (np.abs(burns["dnbr"].values[0, 2, :19]) < 0.2).all()


def test_a_felling_a_single_bad_look_shade_and_a_gap_of_months_are_no_burns() -> None:
    stack = stack_of()
    put(stack, slice(0, 10), FELLED, "2020-07-01", "2021-12-31")
    mild = {name: 0.7 * FOREST[name] + 0.3 * CHAR[name] for name in FOREST}
    put(stack, slice(10, 20), mild, str(DAYS[20]), str(DAYS[20]))
    put(stack, slice(20, 30), dict.fromkeys(FOREST, np.nan), "2019-10-01", "2020-09-01")
    put(stack, slice(20, 30), CHAR, "2020-09-01", "2021-12-31")
    for name in FOREST:  # shade is as dark as char in each band, and lasts
        stack[name].values[20:, :, 30:40] *= 0.5
    assert not find_burns(stack)["burns"].any()


def test_a_few_pixels_are_no_fire_and_a_fire_runs_on_into_what_is_only_darker() -> None:
    stack = stack_of()
    put(stack, slice(0, 10), CHAR, "2020-07-01", "2020-08-20")
    inside = (np.datetime64("2020-07-01") <= DAYS) & (np.datetime64("2020-08-20") >= DAYS)
    for name in ("swir16", "swir22"):  # under closed crowns the shortwave infrared alone is darker, and no flatter
        stack[name].values[np.ix_(inside, range(ROWS), range(10, 13))] *= 0.75
        stack[name].values[np.ix_(inside, range(ROWS), range(60, 63))] *= 0.75
    for name, value in CHAR.items():
        stack[name].values[inside, 1:3, 90:92] = value
    burns = find_burns(stack)["burns"].values
    assert burns[2].tolist() == [1] * 13 + [0] * 87
    few = BurnRules(fewest_pixels=1)
    assert find_burns(stack, rules=few)["burns"].values[1, 90:92].all()


def test_what_comes_back_every_year_is_no_fire_and_seasons_are_told_by_kind_where_one_year_is_seen() -> None:
    stack = stack_of(200)
    dry = {name: 0.5 * (CHAR[name] + FOREST[name]) for name in FOREST}  # e.g. a marsh that browns in August
    for year in (2019, 2020, 2021):
        put(stack, slice(140, 200), dry, f"{year}-08-01", f"{year}-10-31")
    assert not find_burns(stack)["burns"].any()
    alone = stack.sel(time="2020")
    assert find_burns(alone)["burns"].values[:, 141:].all()
    strata = np.repeat(np.where(np.arange(200) < 140, 11, 40)[None], ROWS, axis=0)
    assert not find_burns(alone, strata=strata)["burns"].any()


def test_fires_are_counted_and_said_by_decade_of_seen_years() -> None:
    stack = stack_of()
    put(stack, slice(0, 5), CHAR, "2019-07-01", "2019-08-20")
    put(stack, slice(0, 5), CHAR, "2021-05-01", "2021-06-10")
    burns = find_burns(stack)
    assert burns["burns"].values[2, :6].tolist() == [2] * 5 + [0]
    assert (np.diff(burns["date"].values[:2, 2, :5], axis=0) > np.timedelta64(0)).all()
    assert burns["seen_years"].values[0, 0] == 3
    assert fire_frequency(burns).values[2, [0, 50]] == pytest.approx([20 / 3, 0])


def test_what_burned_is_told_by_the_map_of_the_season_before() -> None:
    stack = stack_of()
    put(stack, slice(0, 30), CHAR, "2020-05-01", "2020-06-20")
    codes = np.full((3, ROWS, 100), 14, np.uint8)
    codes[:, :, 10:20] = 22
    codes[:, :, 20:30] = 0
    codes[1:, :, :5] = 22
    code = xr.DataArray(codes, dims=("year", "y", "x"), coords={"year": [2019, 2020, 2021]})
    burns = find_burns(stack)
    burnt = burnt_class(burns, code, forest_codes=frozenset({14})).values[:, 2]
    assert burnt[1, :31].tolist() == [1] * 10 + [23] * 10 + [0] * 11
    assert not burnt[[0, 2]].any()
    kinds = {"forest": frozenset({14}), "open": frozenset({21, 22, 23})}
    became = burnt_to_open(burns, code, kinds=kinds, after_years=1)
    assert became.values[2, :11].tolist() == [2020] * 5 + [0] * 6
    assert not burnt_to_open(burns, code, kinds=kinds, after_years=3).any()


def test_severity_begins_where_key_and_benson_say() -> None:
    rules = BurnRules()
    assert (rules.moderate_dnbr, rules.moderate_high_dnbr, rules.high_dnbr) == (0.27, 0.44, 0.66)


def test_stacks_without_a_band_or_out_of_order_are_refused() -> None:
    stack = stack_of()
    with pytest.raises(ContractError, match="swir22"):
        find_burns(stack.drop_vars("swir22"))
    with pytest.raises(ContractError, match="ascend"):
        find_burns(stack.isel(time=slice(None, None, -1)))
    with pytest.raises(ContractError, match="strata"):
        find_burns(stack, strata=np.zeros((2, 2), int))
