"""Loss: its first year, from the words of the design; its patches, from pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from odc.geo.geobox import GeoBox

from habitat.change import dated_loss, first_loss_year, loss_patches, without_small_patches
from habitat.cubes import NO_LOSS, UNKNOWN_LOSS
from habitat.grids import grid_over

STATE = {"F": (True, True), ".": (False, True), "?": (False, False)}
"""Forest, not forest, not seen."""


def first_loss(history: str) -> int:
    """The loss year of one pixel whose history begins in 2016."""
    forest, seen = np.array([STATE[mark] for mark in history]).T[:, :, None, None]
    return int(first_loss_year(forest, seen, np.arange(2016, 2016 + len(history))).item())


def by_definition(history: str) -> int:
    """Loss in Y: not forest in Y, and forest in the last year before it that was seen. The first such year."""
    if len(history.replace("?", "")) < 2:
        return UNKNOWN_LOSS
    for at, mark in enumerate(history):
        if mark == "." and history[:at].replace("?", "").endswith("F"):
            return 2016 + at
    return NO_LOSS


@pytest.mark.parametrize(
    ("history", "year"),
    [
        ("FFF.", 2019),
        ("F...", 2017),
        ("F.F.", 2017),
        (".F..", 2018),
        ("..FF", NO_LOSS),
        ("....", NO_LOSS),
        ("FFFF", NO_LOSS),
        ("FF?.", 2019),
        ("F?F.", 2019),
        ("?.FF", NO_LOSS),
        ("FF??", NO_LOSS),
        ("F???", UNKNOWN_LOSS),
        ("????", UNKNOWN_LOSS),
        ("?F?.", 2019),
    ],
)
def test_the_first_loss_by_hand(history: str, year: int) -> None:
    assert first_loss(history) == year


@given(st.text("F.?", min_size=1, max_size=10))
def test_the_first_loss_by_definition(history: str) -> None:
    assert first_loss(history) == by_definition(history)


@given(st.text("F.?", min_size=1, max_size=8))
def test_what_is_said_of_a_pixel_that_was_not_seen_does_not_count(history: str) -> None:
    seen = np.array([STATE[mark][1] for mark in history])[:, None, None]
    years = np.arange(2016, 2016 + len(history))
    for guess in (True, False):
        forest = np.array([mark == "F" or (mark == "?" and guess) for mark in history])[:, None, None]
        assert first_loss_year(forest, seen, years).item() == by_definition(history)


def test_pixels_have_histories_of_their_own() -> None:
    forest = np.array([[[1, 1], [0, 1]], [[1, 0], [0, 1]], [[0, 0], [0, 1]]], dtype=bool)
    loss = first_loss_year(forest, np.ones_like(forest), np.array([2019, 2020, 2021]))
    assert loss.tolist() == [[2021, 2020], [0, 0]]
    assert loss.dtype == np.uint16


# -- patches --------------------------------------------------------------------------------------------

YEARS = {".": NO_LOSS, "?": UNKNOWN_LOSS} | {str(n): 2010 + n for n in range(1, 10)}


def drawn(picture: str) -> np.ndarray:
    return np.array([[YEARS[mark] for mark in row] for row in picture.split()], dtype=np.uint16)


def grid_of_shape(shape: tuple[int, int]) -> GeoBox:
    rows, cols = shape
    return grid_over((500_000, 4_800_000, 500_000 + 20 * cols, 4_800_000 + 20 * rows), "EPSG:32652", 20)


PICTURE = """
    11..2
    1...2
    .....
    ?..4.
"""


@pytest.mark.parametrize(
    ("picture", "min_pixels", "left"),
    [
        ("11. ... ..1", 2, "11. ... ..."),
        ("1.. .1. ..1", 3, "1.. .1. ..1"),  # corners touch
        ("1.. .2. ..3", 3, "1.. .2. ..3"),  # a clearing cut over some winters stays whole
        ("1.. .3. ..5", 2, "... ... ..."),  # years further apart are other clearings
        ("1.1 ... 1.1", 2, "... ... ..."),
        ("?1? 1?. ...", 3, "?.? .?. ..."),  # unknown is no loss, and stays
        ("11. 1.. ...", 3, "11. 1.. ..."),  # as large as asked is large enough
        ("11. 1.. ...", 3.5, "... ... ..."),
        ("1.. ... ..1", 0, "1.. ... ..1"),
        ("... ... ...", 5, "... ... ..."),
    ],
)
def test_patches_smaller_than_asked_are_taken_out(picture: str, min_pixels: float, left: str) -> None:
    before = drawn(picture)
    assert np.array_equal(without_small_patches(before, min_pixels=min_pixels), drawn(left))
    assert np.array_equal(before, drawn(picture)), "what came in is as it was"


RASTERS = hnp.arrays(np.uint16, (5, 6), elements=st.sampled_from([0, 0, 0, 2011, 2012, 2013, UNKNOWN_LOSS]))


def flooded(loss: np.ndarray) -> list[set[tuple[int, int]]]:
    """Patches by walking from pixel to pixel: neighbours at sides and corners whose years are at most one apart."""
    left = {(int(row), int(col)) for row, col in np.argwhere((loss != NO_LOSS) & (loss != UNKNOWN_LOSS))}
    patches = []
    while left:
        patch = set()
        edge = {left.pop()}
        while edge:
            row, col = edge.pop()
            patch.add((row, col))
            around = {(row + i, col + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            near = {at for at in around if abs(int(loss[at]) - int(loss[row, col])) <= 1}
            edge |= near
            left -= near
        patches.append(patch)
    return patches


@given(RASTERS, st.integers(1, 6))
def test_what_is_left_are_the_patches_that_are_large_enough(loss: np.ndarray, min_pixels: int) -> None:
    expected = loss.copy()
    for patch in flooded(loss):
        for at in patch if len(patch) < min_pixels else ():
            expected[at] = NO_LOSS
    left = without_small_patches(loss, min_pixels=min_pixels)
    assert np.array_equal(left, expected)
    assert left.dtype == np.uint16


def test_the_largest_patch_comes_first() -> None:
    loss = drawn(PICTURE)
    probability = np.where(loss == 2011, 0.5, 0.9)
    probability[0, 0] = 0.8
    table = loss_patches(loss, probability, grid_of_shape(loss.shape))
    assert table["patch"].tolist() == [1, 2, 3]
    assert table["year"].tolist() == [2011, 2012, 2014]
    assert np.allclose(table["area_ha"], [0.12, 0.08, 0.04])
    assert np.allclose(table["probability"], [0.6, 0.9, 0.9])
    assert table.crs == "EPSG:32652"
    assert table.geometry.iloc[1].bounds == (500_080, 4_800_040, 500_100, 4_800_080), "2: the last column"


def test_a_patch_of_two_years_has_the_year_of_most_of_its_pixels() -> None:
    loss = drawn("122 .2. ...")
    table = loss_patches(loss, np.full((3, 3), 0.5), grid_of_shape((3, 3)))
    assert table[["year", "area_ha"]].to_numpy().tolist() == [[2012, 0.16]]


@settings(max_examples=40)
@given(RASTERS)
def test_the_outlines_of_patches_cover_what_was_lost(loss: np.ndarray) -> None:
    table = loss_patches(loss, np.full(loss.shape, 0.75), grid_of_shape(loss.shape))
    sizes = sorted((len(patch) * 0.04 for patch in flooded(loss)), reverse=True)
    assert np.allclose(table["area_ha"], sizes)
    assert np.allclose(table.geometry.area / 1e4, sizes)
    assert table.geometry.is_valid.all()


def test_without_loss_there_is_no_patch_and_the_table_still_has_its_columns() -> None:
    table = loss_patches(drawn("..? ..."), np.zeros((2, 3)), grid_of_shape((2, 3)))
    assert len(table) == 0
    assert list(table.columns) == ["patch", "year", "area_ha", "probability", "geometry"]
    assert table.crs == "EPSG:32652"


def test_a_loss_is_dated_to_the_first_seen_year_by_which_half_of_it_has_come_together() -> None:
    years = np.array([2018, 2019, 2020, 2021])
    lost = np.array(
        [
            [0.0, 0.1, 0.9, 0.95],  # plainly in 2020
            [0.0, 0.2, 0.3, 0.4],  # more probably never
            [0.0, 0.5, 0.98, 0.98],  # by 2019 as likely as not, but 2019 was not seen
            [0.1, 0.5, 0.6, 0.8],  # half of 0.8 has come together by 2019
            [np.nan] * 4,  # seen once
        ]
    ).T[:, None, :]
    seen = np.ones(lost.shape, dtype=bool)
    seen[1, 0, 2] = False
    seen[1:, 0, 4] = False
    assert dated_loss(lost, seen, years).tolist() == [[2020, 0, 2020, 2019, 65535]]
