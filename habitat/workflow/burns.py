"""Burnt ground, block by block: what burned when, how severely, and what became of it, from the looks that breaks use.

What is usual on a day is told square by square (SQUARE): a square is the same however much of it is read at a time, so
the blocks that memory allows do not show in what is found. Fields are left out: they are ploughed, flooded and burned
off in other weeks every year, and look as burnt ground does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.change import (
    BurnRules,
    ClumpSample,
    UsualGround,
    burnt_to_open,
    class_before,
    find_burns,
    find_episodes,
    fit_trajectories,
    regrowth_year,
    sample_clumps,
    select_episode,
    usual_ground,
)
from habitat.change.charring import CHAR_BANDS, CLUMP
from habitat.change.combination import LIKE_FALL
from habitat.change.weather import HALO, NODE
from habitat.grids import Block, widen
from habitat.legend import UNKNOWN
from habitat.store import load_block
from habitat.workflow.columns import as_days
from habitat.workflow.evidence import LEAST_FALL, LEAST_SIDE, ChangeSources, usual_forest
from habitat.workflow.ground import Ground
from habitat.workflow.levelling import spread_tiles

SQUARE = 256
"""Pixels along each side, or nearly, of the squares over which it is told what is usual on a day."""
EVERY, SMALL = (8, 4, 3), 128
"""It is told from 3 x 3 pixels at every eighth, down and across; at every fourth, and then from all, of a kind of which
there is too little. In a small area it begins with the second."""
MOST_BURN_LOOKS = 24_000_000
"""Looks at pixels that are read for a block: of a band they take 0.1 GB, and 25 times that while burns are found."""
RULES = BurnRules()
MOST_BURNS = 20
"""Burns of a pixel that are kept."""
OPEN, FIELD, FOREST = 0, 1, 2
"""Kinds of ground. Forests of several classes, each a tenth and more of all forest, are FOREST and the codes after it:
pines do not flush in May as oaks do."""
FOREST_SHARE = 0.1
FIELD_SHARE = 1 / 3
"""Of the years that saw it: what was mapped as field in so many is one."""
NOT_REGROWN, NO_FALL = 0, -1
"""In place of the year of regrowth: not yet; nothing fell in the summers, or trajectories are not asked."""


@dataclass(frozen=True)
class BurnSources:
    """Where burns are read; picklable, so that other processes can do it."""

    sources: ChangeSources
    """Which can read looks."""
    ground: Ground
    forests: tuple[int, ...] = ()
    """Legend codes of forests that are told apart, the commonest first, which stands for the rest too."""

    @property
    def part_side(self) -> int | None:
        """Side of the parts of a square that memory allows; None: the whole square."""
        around = 2 * (RULES.halo + self.sources.looks.reach(self.sources.grid) if self.sources.looks else 0)
        sizes = [max(square.shape) for square in squares(self.sources.grid)]
        side, scenes = max(sizes), len(self.sources.scenes)
        if scenes * (side + around) ** 2 <= MOST_BURN_LOOKS:
            return None
        side = SQUARE
        while side > LEAST_SIDE and scenes * (side + around) ** 2 > MOST_BURN_LOOKS:
            side //= 2
        return side

    def codes(self, block: Block) -> xr.DataArray:
        """The yearly maps, (year, y, x)."""
        layers = self.sources.map_layers("", block)
        return xr.DataArray(layers, dims=("year", "y", "x"), coords={"year": list(self.sources.years)})

    def strata(self, block: Block) -> np.ndarray:
        """OPEN, FIELD, or FOREST and more, uint8 (y, x): what it was in most years, or a field in a third of them."""
        code = self.codes(block).to_numpy()
        fields = np.isin(code, sorted(self.ground.field)).sum(axis=0)
        strata = np.where(usual_forest(self.sources.forest(block)), np.uint8(FOREST), np.uint8(OPEN))
        strata[(strata == OPEN) & (fields > 0) & (fields >= FIELD_SHARE * (code > 0).sum(axis=0))] = FIELD
        most = np.zeros(strata.shape, np.int64)
        for place, forest in enumerate(self.forests):
            years = (code == forest).sum(axis=0)
            strata[(strata >= FOREST) & (years > most)] = FOREST + place
            most = np.maximum(most, years)
        return strata

    def looks(self, block: Block) -> tuple[xr.Dataset, np.ndarray]:
        """The clear looks of a block, none of fields; and its strata."""
        strata = self.strata(block)
        stack = self.sources.read_looks(block)
        bands = {band: stack[band].where(xr.DataArray(strata != FIELD, dims=("y", "x"))) for band in CHAR_BANDS}
        return xr.Dataset(bands | {"quality": stack["quality"]}, coords={"time": stack["time"]}), strata


@dataclass(frozen=True)
class UsualJob:
    """What is usual on each day in one square, read part by part."""

    sources: BurnSources
    square: Block
    side: int

    def __call__(self) -> dict[str, np.ndarray]:
        """Return the arrays of :class:`habitat.change.UsualGround`."""
        top, left = self.square.rows.start, self.square.cols.start
        whole = self.sources.strata(self.square)
        told = _kinds_told(whole)
        sample = _sample(_joined(whole, told))
        looks, strata, counts = [], [], []
        for part in parts(self.square, self.side):
            rows, columns = (slice(at.start - by, at.stop - by) for at, by in ((part.rows, top), (part.cols, left)))
            own = sample.begun_in(rows, columns)
            stack, kinds = self.sources.looks(_widened(part, self.square))
            at = own.rows - rows.start, own.columns - columns.start
            looks.append(_picked(stack, *at))
            strata.append(_joined(kinds[at], told))
            counts.append(own.counts)
        sampled = {"strata": np.concatenate(strata, axis=1), "counts": np.concatenate(counts, axis=1)}
        found = usual_ground(xr.concat(looks, "x"), **sampled, rules=RULES)
        return {"kinds": found.kinds, "levels": found.levels, "unrest": found.unrest}


@dataclass(frozen=True)
class BurnJob:
    """The burns of one block."""

    sources: BurnSources
    block: Block
    work: Path
    usual: str | None
    """Name of the :class:`UsualJob` of the square that it lies in; None: it is the whole square."""

    def __call__(self) -> dict[str, np.ndarray]:
        """Return the block's burns.

        Returns
        -------
        dict
            `seen_years` uint8 (y, x), 0 = nothing is said of it. And a value a burn: `row` and `column` of the whole
            grid; `date` and `earliest`, days since 2000-01-01; `severity`, `charring`, `dnbr`, `dnbr_year`, `rdnbr`;
            `was_forest`, bool, by the map before; `opened`, bool, whether open ground took the forest's place;
            `regrown` int16.
        """
        window, core = widen(self.block, self.sources.sources.grid, RULES.halo)
        stack, strata = self.sources.looks(window)
        if self.usual is None:
            strata = _joined(strata, _kinds_told(strata[core]))
            sample = _sample(strata[core])
            looks = _picked(stack.isel(y=core[0], x=core[1]), sample.rows, sample.columns)
            kinds = strata[core][sample.rows, sample.columns]
            usual = usual_ground(looks, strata=kinds, counts=sample.counts, rules=RULES)
        else:
            usual = UsualGround(**load_block(self.work, self.usual))
            strata = _joined(strata, usual.kinds)
        most = min(MOST_BURNS, 2 * len(self.sources.sources.years))
        found = find_burns(stack, strata=strata, usual=usual, rules=RULES, most_burns=most)
        found, strata = found.isel(y=core[0], x=core[1]), strata[core]
        return {"seen_years": found["seen_years"].to_numpy()} | self._listed(found, strata)

    def _listed(self, found: xr.Dataset, strata: np.ndarray) -> dict[str, np.ndarray]:
        """The burns one by one, by row, column and day."""
        code, ground = self.sources.codes(self.block), self.sources.ground
        row, column, slot = np.nonzero(~np.isnat(found["date"].to_numpy()).transpose(1, 2, 0))
        at = slot, row, column
        date = found["date"].to_numpy()[at]
        year = date.astype("datetime64[Y]").astype(int) + 1970
        ends = self.sources.sources.season_ends
        mapped = class_before(found, code, season_ends=ends).to_numpy()[at]
        was_forest = np.where(mapped == UNKNOWN, strata[row, column] >= FOREST, np.isin(mapped, sorted(ground.forest)))
        kinds = {"forest": ground.forest, "open": ground.open}
        opened = burnt_to_open(found, code, season_ends=ends, kinds=kinds).to_numpy()[row, column] == year
        listed = {"row": row + self.block.rows.start, "column": column + self.block.cols.start}
        for name in ("date", "earliest"):
            listed[name] = as_days(found[name].to_numpy()[at]).astype(np.int32)
        listed |= {name: found[name].to_numpy()[at] for name in ("severity", "charring", "dnbr", "dnbr_year", "rdnbr")}
        regrown = np.full(len(row), NO_FALL, np.int16)
        if was_forest.any() and self.sources.sources.noise is not None:
            regrown[was_forest] = self._regrown(row[was_forest], column[was_forest], year[was_forest])
        return listed | {"was_forest": was_forest, "opened": opened & was_forest, "regrown": regrown}

    def _regrown(self, row: np.ndarray, column: np.ndarray, year: np.ndarray) -> np.ndarray:
        """When most of what the summers lost in the year of a fire, or the next, has come back, int16 (burn,)."""
        sources = self.sources.sources
        window, core = widen(self.block, sources.grid, HALO + NODE)
        summers = sources.summers(window, sources.forest(window)).isel(y=core[0], x=core[1])
        chosen = {
            name: (("year", "y", "x"), layer.to_numpy()[:, None, row, column])
            for name, layer in summers.data_vars.items()
        }
        fit = fit_trajectories(xr.Dataset(chosen, coords={"year": summers["year"]}), noise=sources.noise)
        before = xr.DataArray(year[None] - 1, dims=("y", "x"))
        episodes = find_episodes(fit, index="nbr", least_change=LEAST_FALL * LIKE_FALL["nbr"])
        fall = select_episode(episodes, "first", after=before)
        regrown = regrowth_year(fit, fall, index="nbr").to_numpy()[0]
        fell = (fall["year"].to_numpy()[0] > 0) & (fall["year"].to_numpy()[0] <= year + 1)
        return np.where(fell, regrown, NO_FALL).astype(np.int16)


def common_forests(sources: ChangeSources, ground: Ground) -> tuple[int, ...]:
    """Legend codes of forests of which there is a tenth of all forest and more, in tiles spread over the area."""
    found = np.concatenate([sources.map_layers("", tile).ravel() for tile in spread_tiles(sources.grid)])
    counts = {code: int((found == code).sum()) for code in sorted(ground.forest)}
    least = max(FOREST_SHARE * sum(counts.values()), 1)
    return tuple(sorted((code for code in counts if counts[code] >= least), key=lambda code: -counts[code]))


def _kinds_told(strata: np.ndarray) -> np.ndarray:
    """Kinds of which a square has enough to tell what is usual."""
    kinds, counts = np.unique(strata, return_counts=True)
    return kinds[counts >= 4 * RULES.fewest_alike]


def _joined(strata: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Strata in which forests that are not told by themselves go with the commonest."""
    return np.where((strata > FOREST) & ~np.isin(strata, told), np.uint8(FOREST), strata)


def squares(grid: GeoBox) -> Iterator[Block]:
    """Cut a grid into nearly equal squares of about SQUARE, row by row."""
    rows, columns = (
        np.linspace(0, length, max(round(length / SQUARE), 1) + 1).round().astype(int).tolist() for length in grid.shape
    )
    index = 0
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield Block(index, slice(top, bottom), slice(left, right))
            index += 1


def parts(square: Block, side: int) -> Iterator[Block]:
    """Cut a square into parts of at most `side`, row by row from its own corner."""
    index = 0
    for top in range(square.rows.start, square.rows.stop, side):
        for left in range(square.cols.start, square.cols.stop, side):
            rows = slice(top, min(top + side, square.rows.stop))
            yield Block(index, rows, slice(left, min(left + side, square.cols.stop)))
            index += 1


def _sample(strata: np.ndarray) -> ClumpSample:
    """The sample of a square, by its ground: the same however it is read."""
    every = EVERY if max(strata.shape) >= SMALL else EVERY[1:]
    return sample_clumps(strata, every=every, left_out=(FIELD,))


def _widened(part: Block, square: Block) -> Block:
    """A part with the pixels of its square that a clump begun in it may reach."""
    rows, columns = (
        slice(own.start, min(own.stop + CLUMP - 1, whole.stop))
        for own, whole in ((part.rows, square.rows), (part.cols, square.cols))
    )
    return Block(part.index, rows, columns)


def _picked(stack: xr.Dataset, rows: np.ndarray, columns: np.ndarray) -> xr.Dataset:
    """The pixels of a stack at some places (y, x)."""
    return stack.isel(y=xr.DataArray(rows, dims=("y", "x")), x=xr.DataArray(columns, dims=("y", "x")))
