"""The sheet that every picture is drawn on: one panel, north up, with a scale bar, a key and a colour bar."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path
from odc.geo.geobox import GeoBox

Bounds = tuple[float, float, float, float]
"""West, south, east, north, in metres."""

WIDTH, MARGIN, STRIP, _LINE, _BAR = 4.8, 0.03, 0.3, 0.19, 0.54
"""Inches: a figure, its edge, the strip of the scale bar, a line of the key, a colour bar with its words."""

INK, MUTED, FAINT = "#24312a", "#66736b", "#d5d9d4"
HATCH: dict[str, Any] = {"facecolor": "#eeeeeb", "hatch": "/////", "edgecolor": "#cfcfca"}
"""How a place is drawn that was not seen."""
TEXT: dict[str, Any] = {"color": INK, "fontsize": 9, "parse_math": False}

_YEARS = colormaps["inferno_r"].resampled(256)(np.linspace(0.22, 0.86, 256))


class Picture(Figure):
    """A figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = self.get_size_inches() * 100
        return to_png(self, dpi=144), {"width": round(width), "height": round(height)}


def to_png(figure: Figure, dpi: int = 200) -> bytes:
    """Return a figure as PNG; equal figures give equal bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None})
    return file.getvalue()


def sheet(bounds: Bounds, title: str, entries: Sequence[Any], *, bar: bool = False) -> tuple[Figure, Axes, Axes | None]:
    """A figure with one map, room for its key, and axes for a colour bar if asked for."""
    aspect = aspect_of(bounds)
    wide = min(1, 1.35 / aspect) * (WIDTH - 2 * MARGIN)
    columns = 1 if any(len(str(e.get_label())) > 30 for e in entries) else 2
    keys = _LINE * -(-len(entries) // columns) + 0.08 if entries else 0
    foot = keys + (_BAR if bar else 0)
    head = 0.28 if title else 0.03
    high = wide * aspect + head + STRIP + foot
    figure = Picture(figsize=(WIDTH, high), dpi=100)
    axes = axes_at(figure, ((WIDTH - wide) / 2, foot + STRIP, wide, wide * aspect))
    frame(axes, bounds)
    scale_bar(axes, bounds, wide)
    if title:
        axes.set_title(title, loc="left", pad=5, **(TEXT | {"fontsize": 10}))
    if entries:
        key = figure.legend(
            handles=list(entries),
            loc="upper left",
            bbox_to_anchor=(0, keys / high),
            ncols=columns,
            frameon=False,
            fontsize=9,
            labelcolor=INK,
            borderaxespad=0,
            borderpad=0.1,
            columnspacing=1.2,
            handlelength=1.4,
            labelspacing=0.35,
        )
        for text in key.get_texts():
            text.set_parse_math(False)
    return figure, axes, axes_at(figure, (MARGIN, keys + 0.2, WIDTH - 2 * MARGIN, 0.11)) if bar else None


def axes_at(figure: Figure, inches: tuple[float, float, float, float]) -> Axes:
    width, height = figure.get_size_inches()
    left, bottom, wide, high = inches
    return figure.add_axes((left / width, bottom / height, wide / width, high / height))


def frame(axes: Axes, bounds: Bounds) -> None:
    west, south, east, north = bounds
    axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[])
    axes.patch.set(**HATCH)
    axes.spines[:].set(color=FAINT, linewidth=0.8)


def scale_bar(axes: Axes, bounds: Bounds, wide: float) -> None:
    """A scale bar of a round length under the map's left end, and the north arrow under its right end."""
    west, _, east, _ = bounds
    length = _round_length((east - west) / 3.2)
    share = length / (east - west)
    down = -0.14 / (axes.get_position().height * axes.figure.get_size_inches()[1])  # type: ignore[union-attr]
    line: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False, "color": INK, "solid_capstyle": "butt"}
    axes.add_line(Line2D([0.004, 0.004 + share], [down, down], lw=2.4, **line))
    name = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    small: dict[str, Any] = {"transform": axes.transAxes, "va": "center", **TEXT}
    axes.text(share + 0.004 + 0.07 / wide, down, name, **small)
    axes.annotate(
        "",
        (1 - 0.07 / wide, down * 0.35),
        (1 - 0.07 / wide, down * 1.75),
        xycoords="axes fraction",
        arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1, "shrinkA": 0, "shrinkB": 0},
        annotation_clip=False,
    )
    axes.text(1 - 0.16 / wide, down, "N", ha="right", **small)


def color_bar(
    axes: Axes | None, label: str, colors: Colormap, norm: Normalize, ticks: Sequence[tuple[float, str]]
) -> None:
    if axes is None:
        return
    figure = axes.figure
    bar = figure.colorbar(ScalarMappable(norm, colors), cax=axes, orientation="horizontal")  # type: ignore[union-attr]
    bar.set_ticks([at for at, _ in ticks], labels=[name for _, name in ticks])
    axes.tick_params(labelsize=8.5, length=0, pad=3, labelcolor=INK)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.minorticks_off()
    names = axes.get_xticklabels()
    for name, at in zip(names, (t[0] for t in ticks), strict=True):
        if at in (norm.vmin, norm.vmax):
            name.set_horizontalalignment("left" if at == norm.vmin else "right")
    axes.set_title(label, loc="left", pad=3, **TEXT)


def paint(axes: Axes, image: np.ndarray, grid: GeoBox) -> None:
    west, south, east, north = bounds_of(grid)
    axes.imshow(image, extent=(west, east, south, north), interpolation="nearest", aspect="auto")


def bounds_of(grid: GeoBox) -> Bounds:
    a, west, e, north = grid.transform.a, grid.transform.c, grid.transform.e, grid.transform.f
    return west, north + e * grid.shape.y, west + a * grid.shape.x, north


def aspect_of(bounds: Bounds) -> float:
    west, south, east, north = bounds
    return (north - south) / (east - west)


def path_of(shape: Any) -> Path:
    """One path of a polygon or of many, holes included."""
    parts = getattr(shape, "geoms", [shape])
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    return Path.make_compound_path(*(Path(np.asarray(ring.coords)[:, :2], closed=True) for ring in rings))


def _round_length(most: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9)))


def year_colors(years: np.ndarray, span: Sequence[int]) -> np.ndarray:
    """Return the RGBA (0-1) in which `years` are drawn when the colours run over `span`."""
    place = (np.asarray(years, dtype=float) - span[0]) / max(span[-1] - span[0], 1)
    return np.asarray(_YEARS[np.rint(place * 255).astype(int)])


def span_of(years: Any) -> list[int]:
    """All years from the first to the last of `years`."""
    return list(range(int(min(years)), int(max(years)) + 1)) if len(years) else []
