"""Parts of a grid: blocks in a fixed order, wider blocks, crops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from odc.geo.geobox import GeoBox


@dataclass(frozen=True)
class Block:
    """A rectangle of a grid's pixels."""

    index: int
    """Place in the fixed order, row by row from the north-west."""
    rows: slice
    cols: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.cols.stop - self.cols.start

    def holds(self, rows: Any, cols: Any) -> Any:
        """Whether each pixel, given by row and column of the grid, lies in it."""
        in_rows = (rows >= self.rows.start) & (rows < self.rows.stop)
        return in_rows & (cols >= self.cols.start) & (cols < self.cols.stop)


def blocks(grid: GeoBox, size: int) -> Iterator[Block]:
    """Cut `grid` into blocks of at most `size` x `size` pixels, row by row."""
    index = 0
    for row in range(0, grid.shape.y, size):
        for col in range(0, grid.shape.x, size):
            yield Block(index, slice(row, min(row + size, grid.shape.y)), slice(col, min(col + size, grid.shape.x)))
            index += 1


def widen(block: Block, grid: GeoBox, pixels: int) -> tuple[Block, tuple[slice, slice]]:
    """Return `block` grown by `pixels` inside `grid`, and where the block lies in what has grown."""
    rows = slice(max(block.rows.start - pixels, 0), min(block.rows.stop + pixels, grid.shape.y))
    cols = slice(max(block.cols.start - pixels, 0), min(block.cols.stop + pixels, grid.shape.x))
    height, width = block.shape
    top, left = block.rows.start - rows.start, block.cols.start - cols.start
    return Block(block.index, rows, cols), (slice(top, top + height), slice(left, left + width))


def crop(grid: GeoBox, block: Block) -> GeoBox:
    """Return the part of `grid` that `block` covers."""
    return grid[block.rows, block.cols]
