"""What all of an area is off by in a year is told from its pixels, whatever changed in some of them."""

from __future__ import annotations

import numpy as np

from habitat.grids import Block, grid_over
from habitat.workflow.levelling import year_offsets

GRID = grid_over((500_000, 4_800_000, 500_000 + 20 * 300, 4_800_000 + 20 * 280), "EPSG:32652", 20)


def offsets_of(values: np.ndarray) -> np.ndarray:
    return year_offsets(GRID, lambda block: values[:, :, block.rows, block.cols])


def test_a_hazy_year_is_found_and_a_clearing_is_not() -> None:
    rng = np.random.default_rng(0)
    values = np.broadcast_to(rng.uniform(0.1, 0.4, (2, 1, 280, 300)), (2, 5, 280, 300)).astype(np.float32)
    off = np.array([[0, 0.03, 0, -0.02, 0], [0.01, 0, 0, 0, -0.05]], np.float32)
    values = values + off[:, :, None, None]
    values[:, 2:, :100, :200] += 0.2  # a quarter of the land, for good
    values[0, 1, 100:150] = np.nan
    np.testing.assert_allclose(offsets_of(values), off, atol=1e-6)


def test_what_hardly_anybody_saw_is_left_as_it_is() -> None:
    values = np.full((1, 3, 280, 300), 0.2, np.float32)
    values[0, 1] = np.nan
    values[0, 1, :20, :20] = 0.5  # 49 of the pixels that are asked
    assert offsets_of(values).tolist() == [[0, 0, 0]]
    assert offsets_of(np.full((1, 3, 280, 300), np.nan, np.float32)).tolist() == [[0, 0, 0]]


def test_blocks_are_asked_for_as_the_grid_has_them() -> None:
    asked: list[Block] = []

    def read(block: Block) -> np.ndarray:
        asked.append(block)
        return np.zeros((1, 2, *block.shape), np.float32)

    year_offsets(GRID, read)
    assert [(block.rows.start, block.cols.start) for block in asked] == [(0, 0), (0, 256), (256, 0), (256, 256)]
