"""Windows of the year: what belongs to which year, at New Year and on 29 February too."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from habitat.errors import RecipeError
from habitat.seasons import Season, latest_season_ended

SUMMER = Season.parse("mapping", "06-01/09-15")
WINTER = Season.parse("winter", "12-01/02-29")

DAYS = st.dates(date(2015, 1, 1), date(2025, 12, 31))
MONTH_DAYS = st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda day: (day.month, day.day))
SEASONS = st.builds(Season, st.just("any"), MONTH_DAYS, MONTH_DAYS)


def test_both_days_are_included() -> None:
    assert SUMMER.window(2020) == (date(2020, 6, 1), date(2020, 9, 15))
    assert [SUMMER.year_of(date(2020, *day)) for day in ((5, 31), (6, 1), (9, 15), (9, 16))] == [None, 2020, 2020, None]


def test_a_season_across_new_year_belongs_to_the_year_in_which_it_ends() -> None:
    assert WINTER.crosses_new_year
    assert WINTER.window(2020) == (date(2019, 12, 1), date(2020, 2, 29))
    assert WINTER.year_of(date(2019, 12, 31)) == WINTER.year_of(date(2020, 1, 1)) == 2020
    assert WINTER.year_of(date(2020, 3, 1)) is None


def test_29_february_is_the_28th_in_a_common_year() -> None:
    assert WINTER.window(2019)[1] == date(2019, 2, 28)
    assert Season.parse("leap", "02-29/03-31").window(2019)[0] == date(2019, 2, 28)


def test_one_day_is_a_season() -> None:
    new_year = Season.parse("day", "01-01/01-01")
    assert new_year.window(2020) == (date(2020, 1, 1), date(2020, 1, 1))
    assert not new_year.crosses_new_year


@pytest.mark.parametrize(
    "text", ["06-01", "06-01/", "6-1/9-15", "06-01 / 09-15", "06/01-09/15", "2020-06-01/2020-09-15", "summer", ""]
)
def test_another_form_is_refused_with_the_right_one(text: str) -> None:
    with pytest.raises(RecipeError, match="mapping.*is not a season; write it as MM-DD/MM-DD"):
        Season.parse("mapping", text)


@pytest.mark.parametrize("day", ["02-30", "06-31", "13-01", "00-10", "06-00", "99-99"])
def test_a_day_that_does_not_exist_is_named(day: str) -> None:
    with pytest.raises(RecipeError, match=f"{day} in .* is no day of the year"):
        Season.parse("mapping", f"{day}/09-15")
    with pytest.raises(RecipeError, match=f"{day} in .* is no day of the year"):
        Season.parse("mapping", f"01-01/{day}")


def test_the_map_of_a_day_is_never_a_later_one() -> None:
    answers = {(2021, 5, 31): 2020, (2021, 9, 14): 2020, (2021, 9, 15): 2021, (2021, 12, 31): 2021, (2022, 1, 1): 2021}
    assert {day: latest_season_ended(SUMMER, date(*day)) for day in answers} == answers
    assert latest_season_ended(WINTER, date(2020, 2, 28)) == 2019
    assert latest_season_ended(WINTER, date(2020, 2, 29)) == 2020


@given(SEASONS)
def test_what_is_written_is_read_again(season: Season) -> None:
    assert Season.parse("any", str(season)) == season


@given(SEASONS, DAYS)
def test_a_day_belongs_to_the_year_whose_window_holds_it(season: Season, day: date) -> None:
    holding = [year for year in range(2013, 2029) if season.window(year)[0] <= day <= season.window(year)[1]]
    assert season.year_of(day) == (holding[0] if holding else None)


@given(SEASONS, DAYS)
def test_latest_ended_is_the_last_of_all_that_ended(season: Season, day: date) -> None:
    ended = [year for year in range(2010, 2030) if season.window(year)[1] <= day]
    assert latest_season_ended(season, day) == max(ended)


@given(SEASONS, st.integers(2000, 2030))
def test_seasons_of_two_years_do_not_overlap(season: Season, year: int) -> None:
    assume((season.start, season.end) != ((2, 29), (2, 28)))  # a year and a day
    assert season.window(year)[0] <= season.window(year)[1] < season.window(year + 1)[0]
