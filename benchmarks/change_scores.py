"""How detectors of change are scored against a truth of dated losses: one rule for all of them.

The rule (decision 16):

- Scored are pixels that were forest when the looks begin and did not lose more than half of it before the scored
  period. All detectors are told which.
- A **loss** begins within the period and takes at least 20% of the pixel's crown cover (`LEAST_SHARE`).
- A **call** is a date at which a detector says that forest was lost. It **hits** a loss of its pixel if it is dated
  from 30 days before the loss begins to a year after it ends; a loss is hit once, by its earliest call, and a call hits
  one loss, the one that began first.
- A call that hits nothing is **neutral** if it falls in that window of any damage of its pixel, however weak or old,
  or of a loss that was hit already; it is **false** otherwise, if it is dated within the period. What is dated outside
  the period and hits nothing is not looked at.
- A loss that no call hits is **missed**.
- Omission = missed / losses; commission = false / (false + hits); F1 of the two.
- The date's error is the distance from the call to the span of the loss: 0 within a gradual one.
- **False alarms** are false calls on *stable* pixels: forest pixels that no event touched in all the years simulated;
  as calls a pixel and decade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

LEAST_SHARE = 0.20
BEFORE_DAYS, AFTER_DAYS = 30, 365
SHARE_BANDS = (0.2, 0.35, 0.5, 0.7, 0.9, 1.01)
"""Limits of the shares removed by which scores are told."""
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Matched:
    """What became of every loss and every call of one landscape."""

    losses: pd.DataFrame
    """One row a loss: pixel, kind, start, end, share, hit (bool), error_days (NaN where missed)."""
    calls: pd.DataFrame
    """One row a call that counts: pixel, date, fate ("hit", "neutral" or "false")."""
    stable: np.ndarray
    """Pixels that are forest and untouched."""
    years: float
    """Length of the period."""

    @property
    def counts(self) -> np.ndarray:
        """Hits, missed losses and false calls."""
        hits = int(self.losses["hit"].sum())
        return np.array([hits, len(self.losses) - hits, int((self.calls["fate"] == "false").sum())])

    @property
    def false_alarms(self) -> float:
        """False calls a stable pixel and decade."""
        false = self.calls.loc[self.calls["fate"] == "false", "pixel"]
        return float(np.isin(false, self.stable).sum() / max(len(self.stable), 1) * 10 / self.years)


def match_calls(
    calls: pd.DataFrame, damage: pd.DataFrame, forest: np.ndarray, *, first: np.datetime64, last: np.datetime64
) -> Matched:
    """Match the calls of one detector with the damage of one landscape.

    Parameters
    ----------
    calls : DataFrame
        pixel (int), date (datetime64).
    damage : DataFrame
        pixel, kind, start, end (datetime64), share: all that was done to the pixels, before the period too.
    forest : int array
        Pixels that are scored.
    first, last : datetime64
        The period, both days included.
    """
    damage = damage[damage["pixel"].isin(forest)].sort_values(["pixel", "start"], kind="stable", ignore_index=True)
    calls = calls[calls["pixel"].isin(forest)].sort_values(["pixel", "date"], kind="stable", ignore_index=True)
    pixel, date = calls["pixel"].to_numpy(), calls["date"].to_numpy().astype("datetime64[D]")
    start, end = (damage[side].to_numpy().astype("datetime64[D]") for side in ("start", "end"))
    opens, closes = start - BEFORE_DAYS * DAY, end + AFTER_DAYS * DAY
    low, high = (np.searchsorted(pixel, damage["pixel"].to_numpy(), side) for side in ("left", "right"))
    counts = ((start >= first) & (start <= last) & (damage["share"] >= LEAST_SHARE)).to_numpy()

    fate = np.where((date >= first) & (date <= last), "false", "unseen").astype(object)
    hit_by = np.full(len(damage), -1)
    for row in range(len(damage)):
        near = np.arange(low[row], high[row])
        near = near[(date[near] >= opens[row]) & (date[near] <= closes[row])]
        free = near[fate[near] != "hit"]
        if counts[row] and len(free):
            hit_by[row] = free[0]
            fate[free[0]] = "hit"
    for row in range(len(damage)):
        near = np.arange(low[row], high[row])
        near = near[(date[near] >= opens[row]) & (date[near] <= closes[row])]
        fate[near[fate[near] == "false"]] = "neutral"

    called = np.where(hit_by >= 0, date[hit_by] if len(date) else np.datetime64("NaT"), np.datetime64("NaT"))
    late = np.maximum((called - end) / DAY, 0) - np.maximum((start - called) / DAY, 0)
    losses = damage.assign(hit=hit_by >= 0, error_days=late)[counts].reset_index(drop=True)
    seen = fate != "unseen"
    stable = np.setdiff1d(forest, damage["pixel"].unique())
    years = float((last - first) / DAY + 1) / 365.25
    return Matched(losses, calls.assign(fate=fate)[seen].reset_index(drop=True), stable, years)


def rates(counts: np.ndarray) -> tuple[float, float, float]:
    """Return F1, omission and commission of (hits, missed, false).

    >>> [round(rate, 3) for rate in rates(np.array([6, 2, 4]))]
    [0.667, 0.25, 0.4]
    """
    hits, missed, false = counts
    f1 = 2 * hits / max(2 * hits + missed + false, 1)
    return float(f1), float(missed / max(hits + missed, 1)), float(false / max(hits + false, 1))


def summarise(parts: Sequence[Matched]) -> dict[str, float]:
    """Return the scores of one detector over several landscapes, all their pixels together."""
    f1, omission, commission = rates(np.sum([part.counts for part in parts], axis=0))
    errors = np.concatenate([part.losses["error_days"].to_numpy() for part in parts])
    errors = errors[~np.isnan(errors)]
    stable = sum(len(part.stable) for part in parts)
    alarms = sum(part.false_alarms * len(part.stable) for part in parts) / max(stable, 1)
    return {
        "f1": f1,
        "omission": omission,
        "commission": commission,
        "losses": float(sum(len(part.losses) for part in parts)),
        "false_per_stable_decade": alarms,
        "median_error_days": float(np.median(np.abs(errors))) if len(errors) else np.nan,
        "median_lateness_days": float(np.median(errors)) if len(errors) else np.nan,
    }


def found_by(parts: Sequence[Matched], by: str) -> pd.DataFrame:
    """Return losses, share found and median date error by "kind" or by "share" (bands of `SHARE_BANDS`)."""
    losses = pd.concat([part.losses for part in parts], ignore_index=True)
    group = pd.cut(losses["share"], SHARE_BANDS, right=False) if by == "share" else losses[by]
    table = losses.assign(error=losses["error_days"].abs()).groupby(group, observed=False)
    return pd.DataFrame(
        {"losses": table.size(), "found": table["hit"].mean(), "median_error_days": table["error"].median()}
    )


def difference(
    ours: Sequence[Matched], theirs: Sequence[Matched], *, block: np.ndarray, draws: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """Return F1 of `ours` minus `theirs`, and the 2.5% and 97.5% limits of a paired bootstrap.

    Drawn with replacement are blocks of pixels within landscapes, and landscapes: neighbours share their clouds and
    events, so pixels are not independent. Both detectors are drawn alike.

    Parameters
    ----------
    ours, theirs : sequence of Matched
        One a landscape, in the same order.
    block : int array
        Number of the block of each pixel, by pixel.
    """
    rng = np.random.default_rng(seed)
    blocks = int(block.max()) + 1
    tables = [np.stack([_by_block(part, block, blocks) for part in side]) for side in (ours, theirs)]

    def gap(weights: np.ndarray) -> float:
        mine, other = (rates(np.einsum("lbc,lb->c", table, weights))[0] for table in tables)
        return mine - other

    n = len(ours)
    drawn = []
    for _ in range(draws):
        weights = np.zeros((n, blocks))
        for place in rng.integers(0, n, n):
            weights[place] += np.bincount(rng.integers(0, blocks, blocks), minlength=blocks)
        drawn.append(gap(weights))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return gap(np.ones((n, blocks))), float(low), float(high)


def _by_block(part: Matched, block: np.ndarray, blocks: int) -> np.ndarray:
    """Hits, misses and false calls of each block, (block, 3)."""
    hit = part.losses["hit"].to_numpy(dtype=bool)
    places = part.losses["pixel"].to_numpy()
    false = part.calls.loc[part.calls["fate"] == "false", "pixel"].to_numpy()
    columns = [np.bincount(block[p], minlength=blocks) for p in (places[hit], places[~hit], false)]
    return np.stack(columns, axis=1)
