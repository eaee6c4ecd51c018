"""The loss of one block: what all evidence says of it together, and the breaks that date it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from habitat.change import combine_evidence, dated_loss, settle_years
from habitat.grids import Block, widen
from habitat.workflow.columns import as_days
from habitat.workflow.evidence import NEIGHBOURS, ChangeSources

NO_DATE = -32768
"""In `change/loss_date.tif`: no break dates the loss."""
DATES = ("date", "earliest", "latest")
"""Bands of `change/loss_date.tif`: the day, the last look before the loss, the first look that shows it."""


@dataclass(frozen=True)
class LossJob:
    """The loss of one block, with everything that another process needs to tell it."""

    sources: ChangeSources
    block: Block

    def __call__(self) -> dict[str, np.ndarray]:
        """Return the block's loss.

        Returns
        -------
        dict
            `loss_year` uint16 and `probability` float32 (y, x); `dates` int16 (3, y, x), days; `break_<column>`, the
            breaks of pixels that were ever forest, rows and columns of the whole grid.
        """
        window, core = widen(self.block, self.sources.grid, NEIGHBOURS)
        evidence, table = self.sources.evidence(window)
        if evidence.ways == ("maps",):
            loss = dated_loss(evidence.lost, np.isfinite(evidence.forest), evidence.years)
            probability = evidence.lost[-1]
        else:
            loss, probability = combine_evidence(evidence)
        if len(table.columns):
            loss, table = _settled(loss, table, self.sources)
        loss, probability = loss[core], probability[core]
        out = {"loss_year": loss, "probability": probability}
        if not len(table.columns):
            return out | {"dates": _dates(table, loss.shape)}
        placed = table.assign(row=table["row"] - core[0].start, column=table["column"] - core[1].start)
        height, width = loss.shape
        own = placed[placed["row"].between(0, height - 1) & placed["column"].between(0, width - 1)]
        out["dates"] = _dates(own[own["dating"]], loss.shape)
        own = own.drop(columns="dating")
        rows, columns = own["row"] + self.block.rows.start, own["column"] + self.block.cols.start
        own = own.assign(row=rows, column=columns)
        return out | {f"break_{name}": own[name].to_numpy() for name in own.columns}


def _settled(loss: np.ndarray, breaks: pd.DataFrame, sources: ChangeSources) -> tuple[np.ndarray, pd.DataFrame]:
    """Years of loss as breaks date them; the breaks with the year that they date, and `dating`: whether they do."""
    losses = breaks[breaks["date"].notna()].rename(columns={"loss_probability": "probability", "probability": "lasts"})
    ends = dict(zip(sources.years, sources.season_ends, strict=True))
    settled, dates = settle_years(loss, losses, ends)
    dating = losses.index[dates]
    breaks = breaks.assign(dating=breaks.index.isin(dating))
    breaks.loc[dating, "loss_year"] = settled[losses.loc[dating, "row"], losses.loc[dating, "column"]]
    return settled, breaks


def _dates(dating: pd.DataFrame, shape: tuple[int, ...]) -> np.ndarray:
    """Days of the breaks that date losses, int16 (3, y, x)."""
    dates = np.full((len(DATES), *shape), NO_DATE, np.int16)
    if len(dating):
        at = dating["row"].to_numpy(), dating["column"].to_numpy()
        for number, name in enumerate(("date", "lower", "upper")):
            dates[number][at] = as_days(dating[name].to_numpy())
    return dates
