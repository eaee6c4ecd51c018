"""What people typed in is taken as it is meant, or refused in one line that says where."""

from __future__ import annotations

import pandas as pd
import pytest

from habitat.assess import allowed_answers, check_answers
from habitat.errors import RecordsError
from habitat.legend import DEFAULT_LEGEND

POINTS = ["a1b2c3-0001", "a1b2c3-0002", "a1b2c3-0003"]
YEARS = (2019, 2020, 2021)
FOREST = allowed_answers(DEFAULT_LEGEND, "forest")


def sheet(rows: dict[str, list[str]]) -> pd.DataFrame:
    return pd.DataFrame([[point, *codes] for point, codes in rows.items()], columns=["point", "2019", "2020", "2021"])


def test_answers_come_in_the_order_of_the_sample() -> None:
    table = sheet({POINTS[2]: ["F", "f ", "N"], POINTS[0]: ["?", "?", "?"], POINTS[1]: ["", "", ""]})
    answers = check_answers(table, POINTS, YEARS, FOREST)
    assert answers.states.tolist() == [[-1, -1, -1], [-2, -2, -2], [1, 1, 0]]
    assert answers.answered.tolist() == [True, False, True]


def test_points_that_the_file_lacks_have_no_answer() -> None:
    answers = check_answers(sheet({POINTS[1]: ["F", "F", "F"]}), POINTS, YEARS, FOREST)
    assert answers.answered.tolist() == [False, True, False]


def test_a_year_of_loss_stands_for_the_states_before_and_after() -> None:
    table = pd.DataFrame({"point": POINTS, "answer": ["2021", "N", "2020.0"]})
    assert check_answers(table, POINTS, YEARS, FOREST).states.tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_codes_of_the_legend_are_answers_where_classes_are_asked_for() -> None:
    table = sheet({POINTS[0]: ["14", "14.0", "22"]})
    allowed = allowed_answers(DEFAULT_LEGEND, "legend")
    assert check_answers(table, POINTS, YEARS, allowed).states[0].tolist() == [14, 14, 22]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (sheet({POINTS[0]: ["F", "X", "N"]}), "point a1b2c3-0001 is answered 'X' in 2020; write one of ?, F, N"),
        (sheet({POINTS[0]: ["F", "", "N"]}), "has answers for some years and none for 2020"),
        (sheet({"a1b2c3-0009": ["F", "F", "F"], POINTS[0]: ["F"] * 3}), "'a1b2c3-0009' is not in the sample a1b2c3"),
        (sheet({"ffffff-0001": ["F", "F", "F"]}), "answers the sample ffffff, and this run's is a1b2c3"),
        (pd.concat([sheet({POINTS[0]: ["F"] * 3})] * 2), "point a1b2c3-0001 is answered twice"),
        (sheet({POINTS[0]: ["F"] * 3}).drop(columns="2020"), "has no column '2020'"),
        (pd.DataFrame({"id": POINTS}), "has no column 'point'"),
        (
            pd.DataFrame({"point": POINTS[:1], "answer": ["2019"]}),
            "point a1b2c3-0001 is answered '2019'; write F, N, ?",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(RecordsError) as refused:
        check_answers(table, POINTS, YEARS, FOREST)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
