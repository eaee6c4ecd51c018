from __future__ import annotations

import pytest

from habitat.errors import RecipeError
from habitat.legend import DEFAULT_LEGEND, UNKNOWN, LandCover, Legend


def test_the_default_legend_is_the_written_one() -> None:
    assert DEFAULT_LEGEND.codes == (11, 12, 13, 14, 15, 21, 22, 23, 30, 40, 50, 60, 70)
    assert DEFAULT_LEGEND.forest_codes == (11, 12, 13, 14, 15)
    assert DEFAULT_LEGEND[50].name == "water"
    assert [cover.code for cover in DEFAULT_LEGEND] == list(DEFAULT_LEGEND.codes)


def test_a_code_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="99"):
        DEFAULT_LEGEND[99]


def test_the_colour_table_has_a_transparent_unknown() -> None:
    table = Legend((LandCover(1, "moss", "#0a10FF", False),)).colormap
    assert table == {UNKNOWN: (0, 0, 0, 0), 1: (10, 16, 255, 255)}


@pytest.mark.parametrize(
    ("covers", "says"),
    [
        ([LandCover(0, "moss", "#000000", False)], "class code 0 is outside 1 to 254"),
        ([LandCover(255, "moss", "#000000", False)], "class code 255 is outside"),
        ([LandCover(3, "moss", "green", False)], "'green' of class 3 is not a colour"),
        ([LandCover(3, "moss", "#00zz00", False)], "is not a colour"),
        ([LandCover(3, "moss", "#000000", False), LandCover(3, "fern", "#000001", False)], "code 3 is given twice"),
    ],
)
def test_a_wrong_class_is_named(covers: list[LandCover], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        Legend(tuple(covers))
