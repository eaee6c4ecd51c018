"""Charts: numbers by year and by season, with their limits where they have any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from habitat.plots._sheet import FAINT, INK, MUTED, TEXT, WIDTH, Picture, axes_at, span_of, year_colors

_MODEL, _LOST = "#1d5f8a", "#c8553d"
_SENSORS = ("#b2571f", "#1d5f8a", "#5a7d2a", "#7a4a8c")
"""Colours of sensors, in the order of their names."""


def loss_by_year(areas: Any, *, title: str = "") -> Figure:
    """Draw hectares of forest lost each year, with limits where they were estimated.

    Parameters
    ----------
    areas : DataFrame
        Columns year, what, estimate_ha, lower, upper; rows other than "loss" are passed over.
    """
    rows = areas[areas["what"] == "loss"].sort_values("year")
    years, hectares = rows["year"].to_numpy(dtype=int), rows["estimate_ha"].to_numpy(dtype=float)
    low, high = rows["lower"].to_numpy(dtype=float), rows["upper"].to_numpy(dtype=float)
    doubt = "95% limits" if (np.isfinite(low) & np.isfinite(high)).any() else "pixel count"
    figure, axes = _chart(title or f"hectares of forest lost ({doubt})", 2.9)
    if len(years):
        axes.bar(years, np.nan_to_num(hectares), width=0.72, color=year_colors(years, span_of(years)))
        limits = np.isfinite(low) & np.isfinite(high)
        reach = [hectares[limits] - low[limits], high[limits] - hectares[limits]]
        axes.errorbar(years[limits], hectares[limits], reach, fmt="none", ecolor=INK, elinewidth=1.2, capsize=3)
        top = np.where(limits, high, np.nan_to_num(hectares))
        for year, value, at in zip(years, hectares, top, strict=True):
            if len(years) <= 12:
                axes.annotate(_short(value), (year, at), (0, 3), textcoords="offset points", ha="center", **TEXT)
        axes.set_xlim(years[0] - 0.6, years[-1] + 0.6)
        axes.set_ylim(0, max(float(top.max(initial=0)) * 1.12, 1))
        axes.set_xticks(years[:: -(-len(years) // 12)])
    if (hectares > 0).any():
        axes.yaxis.set_major_locator(MaxNLocator(4))
    else:
        axes.set_yticks([0])
    return figure


def share_by_season(share: Any, *, title: str = "") -> Figure:
    """Draw the share of cells in which an animal was recorded beside the share that the model puts it in.

    Parameters
    ----------
    share : DataFrame
        Columns season, naive, estimate, lower, upper (0-1 or null) of one species.
    """
    rows = share.reset_index(drop=True)
    high = 0.9 + 0.36 * len(rows)
    figure, axes = _chart(title or "share of cells", high)
    value, low, up, naive = (rows[c].to_numpy(dtype=float) for c in ("estimate", "lower", "upper", "naive"))
    at = np.arange(len(rows))
    limits = np.isfinite(low) & np.isfinite(up)
    axes.hlines(at[limits], low[limits], up[limits], color=_MODEL, lw=3, alpha=0.45)
    if np.isfinite(value).any():
        axes.plot(value, at, "o", color=_MODEL, ms=8, label="model with 95% limits")
    axes.plot(naive, at, "o", mfc="white", mec=INK, ms=7, label="recorded (naive)")
    axes.set(xlim=(-0.025, 1.025), ylim=(len(rows) - 0.4, -0.6))
    axes.set_yticks(at, [str(s) for s in rows["season"]])
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    axes.grid(axis="x", color=FAINT, lw=0.7)
    axes.grid(visible=False, axis="y")
    figure.legend(
        loc="upper right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        handletextpad=0.1,
        columnspacing=1,
        borderpad=0.2,
    )
    return figure


def pixel_series(
    series: Any,
    *,
    label: str,
    title: str = "",
    course: Any = None,
    segments: Any = None,
    breaks: Sequence[tuple[Any, Any]] = (),
) -> Figure:
    """Draw what one pixel showed over time: filled where the look was clear, an outline where it was not.

    Parameters
    ----------
    series : DataFrame
        Columns time, value, sensor, clear (bool), a row a look; values that are null are passed over.
    label : str
        What `value` is, with its unit.
    course : DataFrame, optional
        Columns time, value: a line that is fitted to the looks, broken where it is null.
    segments : DataFrame, optional
        Columns start, end (times), from_value, to_value: straight pieces of a trajectory.
    breaks : sequence of (time, time)
        The last look before each break and the first after it: drawn as bands.
    """
    rows = series[series["value"].notna()].sort_values("time")
    explained = course is not None or segments is not None or bool(breaks)
    figure, axes = _chart(title or label, 3.14 if explained else 2.9, head=0.24 if explained else 0.0)
    for color, (sensor, looks) in zip(_SENSORS, rows.groupby("sensor", sort=True), strict=False):
        clear = looks["clear"].to_numpy(dtype=bool)
        spots: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 5, "mew": 1, "mec": color}
        axes.plot(looks["time"][clear], looks["value"][clear], mfc=color, label=str(sensor), **spots)
        axes.plot(looks["time"][~clear], looks["value"][~clear], mfc="none", alpha=0.55, **spots)
    for number, (first, last) in enumerate(breaks):
        axes.axvspan(first, last, color=_LOST, alpha=0.25, lw=0, zorder=0, label="_" * bool(number) + "break")
    if course is not None:
        axes.plot(course["time"], course["value"], color=INK, lw=1, alpha=0.7, label="fit")
    for number, piece in enumerate(() if segments is None else segments.itertuples(index=False)):
        ends = [piece.start, piece.end], [piece.from_value, piece.to_value]
        axes.plot(*ends, color=_LOST, lw=2, label="_" * bool(number) + "trajectory")
    axes.xaxis.set_major_locator(AutoDateLocator(maxticks=10))  # type: ignore[no-untyped-call]
    axes.yaxis.set_major_locator(MaxNLocator(5))
    handles = [*axes.get_legend_handles_labels()[0]]
    if not rows["clear"].all():
        handles.append(Line2D([], [], ls="none", marker="o", ms=5, mfc="none", mec=MUTED, label="not clear"))
    if handles:
        figure.legend(
            handles=handles,
            loc="upper right",
            bbox_to_anchor=(1, 1 - (0.24 / 3.14 if explained else 0)),
            ncols=5,
            frameon=False,
            fontsize=9,
            labelcolor=INK,
            handletextpad=0.1,
            columnspacing=1,
            borderpad=0.2,
        )
    return figure


def _chart(title: str, high: float, *, head: float = 0.0) -> tuple[Figure, Axes]:
    """One panel, with so many inches between its title and itself for a line of the key."""
    figure = Picture(figsize=(WIDTH, high), dpi=100)
    axes = axes_at(figure, (0.46, 0.3, WIDTH - 0.7, high - 0.66 - head))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.grid(axis="y", color=FAINT, lw=0.7)
    axes.set_axisbelow(True)
    figure.text(0.06 / WIDTH, 1 - 0.1 / high, title, va="top", **TEXT)
    return figure, axes


def _short(value: float) -> str:
    if not np.isfinite(value):
        return "?"
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.1f}"
