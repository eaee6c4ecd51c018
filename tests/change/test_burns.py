"""Burns: found by char within weeks, told from fellings, shade and seasons, counted, and followed by what grows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from habitat.change import (
    BurnRules,
    ClumpSample,
    burnt_class,
    burnt_to_open,
    class_before,
    find_burns,
    fire_frequency,
    fire_outlines,
    number_fires,
    outline_fires,
    sample_clumps,
    usual_ground,
)
from habitat.errors import ContractError
from habitat.grids import grid_over

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
    ends = np.array(["2019-09-15", "2020-09-15", "2021-09-15"], "datetime64[D]")
    burnt = burnt_class(burns, code, season_ends=ends, forest_codes=frozenset({14})).values[:, 2]
    assert burnt[1, :31].tolist() == [1] * 10 + [23] * 10 + [0] * 11
    assert not burnt[[0, 2]].any()
    kinds = {"forest": frozenset({14}), "open": frozenset({21, 22, 23})}
    became = burnt_to_open(burns, code, season_ends=ends, kinds=kinds, after_years=1)
    assert became.values[2, :11].tolist() == [2020] * 5 + [0] * 6
    assert not burnt_to_open(burns, code, season_ends=ends, kinds=kinds, after_years=3).any()


def dated(*days: str) -> xr.Dataset:
    """Burns of one pixel."""
    return xr.Dataset({"date": (("burn", "y", "x"), np.array(days, "datetime64[s]").reshape(-1, 1, 1))})


@pytest.mark.parametrize(
    ("day", "end", "expected"),
    [
        ("2019-09-05", "09-15", 12),  # the season that still runs has not mapped it yet
        ("2019-09-15", "09-15", 12),
        ("2019-09-16", "09-15", 13),
        ("2019-08-20", "08-10", 13),
        ("2019-03-01", "02-28", 13),  # a winter's season, of the year in which it ends
        ("2016-05-01", "09-15", 11),  # before all maps
        ("2020-05-01", "09-15", 13),
        ("2021-05-01", "09-15", 13),  # that of 2020 did not see it
    ],
)
def test_a_burn_is_of_what_the_last_season_mapped_that_ended_before_it(day: str, end: str, expected: int) -> None:
    codes = np.array([11, 12, 13, 0], np.uint8).reshape(4, 1, 1)
    code = xr.DataArray(codes, dims=("year", "y", "x"), coords={"year": [2017, 2018, 2019, 2020]})
    ends = np.array([f"{year}-{end}" for year in range(2017, 2021)], "datetime64[D]")
    told = class_before(dated(day, "NaT"), code, season_ends=ends)
    assert told.values.ravel().tolist() == [expected, 0]


def test_two_burns_of_one_year_are_each_of_the_map_before_them() -> None:
    codes = np.array([14, 22, 22, 22, 22], np.uint8).reshape(5, 1, 1)
    code = xr.DataArray(codes, dims=("year", "y", "x"), coords={"year": range(2017, 2022)})
    ends = np.array([f"{year}-09-15" for year in range(2017, 2022)], "datetime64[D]")
    burns = dated("2018-04-20", "2018-10-20")
    assert class_before(burns, code, season_ends=ends).values.ravel().tolist() == [14, 22]
    burnt = burnt_class(burns, code, season_ends=ends, forest_codes=frozenset({14}))
    assert burnt.values.ravel().tolist() == [0, 1, 0, 0, 0], "the first of them"
    kinds = {"forest": frozenset({14}), "open": frozenset({22})}
    assert burnt_to_open(burns, code, season_ends=ends, kinds=kinds).item() == 2018
    later = burns.isel(burn=slice(1, None))
    assert burnt_to_open(later, code, season_ends=ends, kinds=kinds).item() == 0, "grass burned"


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


def test_with_what_is_usual_told_beforehand_a_block_and_its_halo_give_what_the_whole_gives() -> None:
    stack = stack_of(200)
    put(stack, slice(20, 32), CHAR, "2020-07-01", "2020-08-20")
    put(stack, slice(150, 152), CHAR, "2021-05-01", "2021-06-10")
    strata = np.repeat((np.arange(200) < 120)[None], ROWS, axis=0).astype(int)
    chosen = sample_clumps(strata, every=(4,))
    usual = usual_ground(picked(stack, chosen), strata=strata[chosen.rows, chosen.columns])
    whole = find_burns(stack, strata=strata, usual=usual)
    assert whole["burns"].values[2].tolist() == [0] * 20 + [1] * 12 + [0] * 118 + [1] * 2 + [0] * 48
    halo = BurnRules().halo
    for begin, end in ((0, 25), (25, 30), (30, 151), (151, 200)):
        left, right = max(begin - halo, 0), min(end + halo, 200)
        part = find_burns(stack.isel(x=slice(left, right)), strata=strata[:, left:right], usual=usual)
        own = part.isel(x=slice(begin - left, end - left))
        xr.testing.assert_identical(own, whole.isel(x=slice(begin, end)))


def test_what_is_usual_is_the_median_of_a_kind_and_is_not_told_of_too_few_pixels() -> None:
    stack = stack_of(60)
    strata = np.repeat(np.where(np.arange(60) < 48, 7, 9)[None], ROWS, axis=0)
    usual = usual_ground(stack.isel(y=slice(0, 3)), strata=strata[:3])
    assert usual.kinds.tolist() == [7, 9]
    expected = np.median(np.log(stack["nir08"].values[:, :3, :48]), axis=(1, 2))
    assert usual.levels[1, :, 0] == pytest.approx(expected, abs=1e-6)
    assert np.isnan(usual.levels[:, :, 1]).all(), "36 pixels"
    assert np.isnan(usual.levels_of(np.array([8]), len(DAYS))).all()
    with pytest.raises(ContractError, match="looks"):
        find_burns(stack.isel(time=slice(5)), usual=usual)
    with pytest.raises(ContractError, match="squares of 3 x 3"):
        usual_ground(stack)


def picked(stack: xr.Dataset, sample: ClumpSample) -> xr.Dataset:
    at = {"y": sample.rows, "x": sample.columns}
    return stack.isel({name: xr.DataArray(places, dims=("y", "x")) for name, places in at.items()})


def test_a_look_without_a_level_is_no_look_in_which_nothing_burned() -> None:
    """Of 45 pixels nothing is told, and so no year was seen; of 60 all three were."""
    stack = stack_of(60)
    put(stack, slice(0, 5), CHAR, "2020-07-01", "2020-08-20")
    few = stack.isel(x=slice(9))
    for told in (find_burns(few), find_burns(few, usual=usual_ground(few.isel(y=slice(3))))):
        assert not told["burns"].any()
        assert not told["seen_years"].any()
        assert np.isnan(fire_frequency(told)).all()
    strata = np.repeat((np.arange(60) >= 51)[None], ROWS, axis=0).astype(int)
    both = find_burns(stack, strata=strata)
    assert both["burns"].values[2].tolist() == [1] * 5 + [0] * 55
    assert both["seen_years"].values[2].tolist() == [3] * 51 + [0] * 9


def test_a_kind_of_which_there_is_little_is_sampled_more_densely_and_by_its_own_pixels() -> None:
    strata = np.ones((48, 48), int)
    strata[30:36, 3:42] = 7  # 234 pixels
    strata[0, 47] = 9
    sample = sample_clumps(strata, every=(8, 4, 3), enough=150)
    kinds = strata[sample.rows, sample.columns]
    speak = {kind: int((sample.counts & (kinds == kind)).sum()) for kind in (1, 7, 9)}
    # at every eighth there are 36 squares; of those of row 32 four lie in the strip, and two columns of a fifth. At
    # every third the strip is whole squares
    assert speak == {1: 36 * 9 - 4 * 9 - 2 * 3, 7: 6 * 39, 9: 1}
    places = (sample.rows * 48 + sample.columns)[sample.counts & (kinds == 7)]
    assert len(np.unique(places)) == 234, "none twice"
    two = sample.begun_in(slice(0, 29), slice(0, 48)), sample.begun_in(slice(29, 48), slice(0, 48))
    assert sum(part.rows.size for part in two) == sample.rows.size
    assert not sample_clumps(strata, enough=150, left_out=(1, 7, 9)).rows.size


def test_neighbours_that_do_not_count_say_nothing_of_their_kind() -> None:
    stack = stack_of(60)
    counts = np.ones((3, 60), bool)
    counts[:, 51:] = False
    clumps = stack.isel(y=slice(3))
    some, alone = usual_ground(clumps, counts=counts), usual_ground(clumps.isel(x=slice(51)))
    assert np.array_equal(some.levels, alone.levels)
    assert np.array_equal(some.unrest, alone.unrest)
    none = usual_ground(clumps, counts=np.zeros((3, 60), bool))
    assert np.isnan(none.levels).all()


@pytest.mark.parametrize("side", [1, 2])
def test_an_area_without_a_whole_square_and_a_stack_without_looks_tell_nothing(side: int) -> None:
    tiny = stack_of(side).isel(y=slice(side))
    sample = sample_clumps(np.zeros((side, side), int))
    usual = usual_ground(picked(tiny, sample), strata=np.zeros(sample.rows.shape, int))
    assert not usual.kinds.size
    assert not find_burns(tiny, usual=usual)["seen_years"].any()
    blind = stack_of().isel(time=slice(0))
    told, some = find_burns(blind), find_burns(stack_of().isel(time=slice(1)))
    assert not told["seen_years"].any()
    assert np.isnat(told["date"].values).all()
    assert told.sizes == some.sizes
    assert {name: layer.dtype for name, layer in told.items()} == {name: layer.dtype for name, layer in some.items()}
    assert usual_ground(blind.isel(y=slice(3), x=slice(60))).levels.shape == (4, 0, 1)


def burnt_pixels(rows: list[tuple[int, int, str, bool]]) -> pd.DataFrame:
    """Burns at (row, column, date, was_forest), of severities 1, 2, 3, 4 and again."""
    table = pd.DataFrame(rows, columns=["row", "column", "date", "was_forest"])
    table["date"] = pd.to_datetime(table["date"]).astype("datetime64[s]")
    severity = (np.arange(len(table)) % 4 + 1).astype(np.uint8)
    earliest = table["date"] - pd.Timedelta(days=10)
    return table.assign(earliest=earliest, severity=severity, dnbr=0.1 * severity, dnbr_year=np.nan)


def test_fires_are_neighbours_of_about_one_date_and_a_pixel_may_lie_in_two() -> None:
    april = [(0, 0, "2020-04-20", True), (0, 1, "2020-04-22", True), (1, 2, "2020-05-25", False)]
    others = [(0, 1, "2021-04-01", True), (1, 0, "2020-08-01", True), (9, 9, "2020-04-20", True)]
    burns = burnt_pixels(april + others)
    # the third burn is 33 days from the second, at a corner; row 1's first pixel is no neighbour of row 0's last
    assert number_fires(burns).tolist() == [1, 1, 1, 4, 3, 2]
    assert number_fires(burns, apart_days=20).tolist() == [1, 1, 3, 5, 4, 2]
    assert number_fires(burns[:0]).tolist() == []


def test_fires_that_share_pixels_have_each_its_whole_outline() -> None:
    """Three fires over one pixel, and one beside them that shares none."""
    grid = grid_over((500_000, 4_800_000, 500_200, 4_800_200), "EPSG:32652", 20)
    across = [(4, column, "2019-04-20", True) for column in range(2, 7)]
    down = [(row, 4, "2020-04-20", True) for row in range(2, 6)]
    square = [(row, column, "2021-04-20", True) for row in (4, 5) for column in (4, 5)][:3]
    burns = burnt_pixels([*across, *down, *square, (9, 0, "2020-04-20", True)])
    fires = outline_fires(burns.assign(fire=number_fires(burns)), grid)
    assert fires["year"].tolist() == [2019, 2020, 2021, 2020]
    assert fires.geometry.area.tolist() == pytest.approx([400 * pixels for pixels in (5, 4, 3, 1)])
    assert fires.geometry.iloc[0].bounds == (500_040, 4_800_100, 500_140, 4_800_120)
    assert fires.geometry.iloc[1].bounds == (500_080, 4_800_080, 500_100, 4_800_160)


def test_many_fires_are_outlined_in_few_rasters(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [(5 * row, 5 * column) for row in range(10) for column in range(10)]
    burns = burnt_pixels([(*place, f"{2019 + (place[0] > 20)}-04-20", True) for place in places])
    burns = pd.concat([burns, burns.assign(date=burns["date"] + pd.Timedelta(days=400))], ignore_index=True)
    calls = []
    outlined = fire_outlines.patch_outlines
    monkeypatch.setattr(fire_outlines, "patch_outlines", lambda *a: calls.append(a) or outlined(*a))
    grid = grid_over((500_000, 4_800_000, 501_000, 4_801_000), "EPSG:32652", 20)
    fires = outline_fires(burns.assign(fire=number_fires(burns)), grid)
    assert (len(fires), len(calls)) == (200, 2)
    assert (fires.geometry.area == 400).all()


def test_fires_have_areas_medians_and_outlines_on_their_grid() -> None:
    grid = grid_over((500_000, 4_800_000, 500_200, 4_800_200), "EPSG:32652", 20)
    four = [(2, 3, "2020-04-20", True), (2, 4, "2020-04-22", True), (3, 5, "2020-04-24", False)]
    burns = burnt_pixels([*four, (8, 8, "2021-05-01", True)])
    fires = outline_fires(burns.assign(fire=number_fires(burns)), grid)
    assert fires["fire"].tolist() == [1, 2]
    first = fires.iloc[0]
    assert (first["year"], first["date"], first["earliest"]) == (
        2020,
        pd.Timestamp("2020-04-22"),
        pd.Timestamp("2020-04-12"),
    )
    assert (first["area_ha"], first["forest_ha"]) == pytest.approx((0.12, 0.08))
    assert first["severity"] == "moderate-high", "one pixel each: the gravest"
    assert first["severe_share"] == pytest.approx(1 / 3)
    assert first["dnbr"] == pytest.approx(0.2)
    assert np.isnan(first["dnbr_year"])
    assert first.geometry.area == pytest.approx(3 * 400)
    assert first.geometry.bounds == (500_060, 4_800_120, 500_120, 4_800_160)
    nothing = burns[:0].assign(fire=number_fires(burns[:0]))
    empty = outline_fires(nothing, grid)
    assert list(empty.columns) == list(fires.columns)
    assert empty.dtypes.drop("geometry").equals(fires.dtypes.drop("geometry"))
