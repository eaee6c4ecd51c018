"""Maps of pixels: classes, years of loss, looks, and composites as a camera would see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import PathCollection
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from odc.geo.geobox import GeoBox

from habitat.cubes import UNKNOWN_LOSS, is_loss
from habitat.legend import UNKNOWN, Legend
from habitat.plots._sheet import (
    HATCH,
    MARGIN,
    STRIP,
    TEXT,
    WIDTH,
    Picture,
    aspect_of,
    axes_at,
    bounds_of,
    color_bar,
    frame,
    paint,
    path_of,
    scale_bar,
    sheet,
    span_of,
    year_colors,
)

"""Values of a loss-year raster that are not years."""

UNSEEN = "not seen, or outside the area"
"""What is hatched: only the area's outline, which rasters lack, tells the two apart."""

_FOREST, _OPEN = "#cddccd", "#f4f2ea"
_LOOKS, _STEPS = colormaps["Blues"], 8
"""Colours of looks, and into how many steps they are cut at most."""


def forest_map(code: np.ndarray, grid: GeoBox, legend: Legend, *, title: str = "", key: bool = True) -> Figure:
    """Draw land-cover classes.

    Parameters
    ----------
    code : uint8 array (y, x)
        Codes of `legend`; 0 = not seen.
    key : bool
        List the classes that are present below the map.
    """
    present = [cover for cover in legend if (code == cover.code).any()]
    table = np.zeros((256, 4), dtype=np.uint8)
    for value, color in legend.colormap.items():
        table[value] = color
    entries: list[Any] = [Patch(facecolor=c.color, label=c.name) for c in present] if key else []
    if key and (code == UNKNOWN).any():
        entries.append(Patch(**HATCH, label=UNSEEN))
    figure, axes, _ = sheet(bounds_of(grid), title, entries)
    paint(axes, table[code], grid)
    return figure


def loss_map(
    loss_year: np.ndarray,
    grid: GeoBox,
    *,
    background: np.ndarray | None = None,
    years: Sequence[int] | None = None,
    title: str = "",
) -> Figure:
    """Draw the year in which forest was first lost: the later, the darker.

    Parameters
    ----------
    loss_year : uint16 array (y, x)
        Year of first loss, 0 = none, 65535 = not seen.
    background : bool array (y, x), optional
        Where there was forest before, drawn in pale green.
    years : sequence of int, optional
        Years that the colours run over; those of `loss_year` if not given.
    """
    lost = is_loss(loss_year)
    span = span_of(years if years is not None else np.unique(loss_year[lost])) if lost.any() else []
    image = np.empty((*loss_year.shape, 4))
    image[:] = to_rgba(_OPEN)
    entries: list[Any] = []
    if background is not None:
        image[background.astype(bool)] = to_rgba(_FOREST)
        entries = [Patch(facecolor=_FOREST, label="forest before"), Patch(facecolor=_OPEN, label="no forest")]
    image[loss_year == UNKNOWN_LOSS] = 0
    if (loss_year == UNKNOWN_LOSS).any():
        entries.append(Patch(**HATCH, label=UNSEEN))
    if span:
        image[lost] = year_colors(loss_year[lost], span)
    figure, axes, bar = sheet(bounds_of(grid), title, entries, bar=bool(span))
    paint(axes, image, grid)
    if bar and span:
        steps = ListedColormap(year_colors(np.array(span), span))
        norm = BoundaryNorm(np.arange(span[0], span[-1] + 2) - 0.5, len(span))
        ticks = span[:: -(-len(span) // 10)]
        color_bar(bar, "year of loss", steps, norm, [(y, str(y)) for y in ticks])
    return figure


def looks_map(looks: np.ndarray, grid: GeoBox, *, title: str = "", label: str = "clear looks") -> Figure:
    """Draw how often each pixel was seen clearly.

    Parameters
    ----------
    looks : integer array (y, x)
        Clear observations; 0 = never seen.
    """
    most = max(int(looks.max(initial=0)), 1)
    step = -(-most // _STEPS)
    colors = ListedColormap(_LOOKS(np.linspace(0.25, 1, -(-most // step))))
    image = colors((np.maximum(looks, 1) - 1) // step)
    image[looks == 0] = 0
    entries = [Patch(**HATCH, label=UNSEEN)] if (looks == 0).any() else []
    figure, axes, bar = sheet(bounds_of(grid), title, entries, bar=True)
    paint(axes, image, grid)
    norm = BoundaryNorm(np.arange(colors.N + 1) - 0.5, colors.N)
    firsts = [1 + step * k for k in range(colors.N)]
    names = [f"{k}" if step == 1 else f"{k}–{k + step - 1}" for k in firsts]
    color_bar(bar, label, colors, norm, list(enumerate(names)))
    return figure


def true_color(
    bands: Mapping[Any, Any], grid: GeoBox, *, title: str = "", show: tuple[str, str, str] = ("red", "green", "blue")
) -> Figure:
    """Draw a composite in true colour, or with any three of its bands as red, green and blue.

    Parameters
    ----------
    bands : mapping of str to float array (y, x)
        Reflectance 0-1, NaN = not seen; one year of a COMPOSITE dataset will do.
    """
    image = _stretched([bands], show)[0]
    entries = [Patch(**HATCH, label=UNSEEN)] if (image[..., 3] == 0).any() else []
    figure, axes, _ = sheet(bounds_of(grid), title, entries)
    paint(axes, image, grid)
    return figure


def before_after(
    before: Mapping[Any, Any],
    after: Mapping[Any, Any],
    grid: GeoBox,
    *,
    outline: Any = None,
    labels: tuple[str, str] = ("before", "after"),
    show: tuple[str, str, str] = ("red", "green", "blue"),
) -> Figure:
    """Draw two composites of one place side by side, in the same stretch of colours.

    Parameters
    ----------
    before, after : mapping of str to float array (y, x)
        Reflectance 0-1, NaN = not seen.
    outline : shapely geometry, optional
        What to outline in both, in the grid's reference system.
    """
    bounds, gap = bounds_of(grid), 0.08
    side = (WIDTH - gap) / 2 - MARGIN
    high = side * aspect_of(bounds)
    figure = Picture(figsize=(WIDTH, high + 0.26 + STRIP), dpi=100)
    for at, image, label in zip((MARGIN, MARGIN + side + gap), _stretched([before, after], show), labels, strict=True):
        axes = axes_at(figure, (at, STRIP, side, high))
        frame(axes, bounds)
        paint(axes, image, grid)
        if outline is not None:
            for width, color in ((2.6, "#000000"), (1.3, "#ffffff")):
                axes.add_collection(
                    PathCollection([path_of(outline)], facecolors="none", edgecolors=color, linewidths=width)
                )
        axes.set_title(label, loc="left", pad=4, **TEXT)
        if at == MARGIN:
            scale_bar(axes, bounds, side)
    return figure


def _stretched(pictures: Iterable[Mapping[Any, Any]], show: tuple[str, str, str]) -> list[np.ndarray]:
    """RGBA (0-1) of all pictures, stretched alike so that hues stay true; what was not seen is transparent."""
    stacks = [np.stack([np.asarray(p[band], dtype=float) for band in show], axis=-1) for p in pictures]
    every = np.concatenate([s.reshape(-1, 3) for s in stacks])
    every = every[np.isfinite(every).all(axis=1)]
    low, high = np.quantile(every, [0.01, 0.98], axis=0) if len(every) else (np.zeros(3), np.ones(3))
    reach = max(float((high - low).max()), 0.06)
    images = []
    for stack in stacks:
        color = np.clip((stack - low) / reach, 0, 1) ** 0.7
        seen = np.isfinite(stack).all(axis=-1)
        images.append(np.dstack([np.nan_to_num(color), seen]))
    return images
