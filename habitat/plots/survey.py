"""Maps of survey cells: where the animals are, how sure that is, and what habitat is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import PathCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from habitat.plots._sheet import FAINT, INK, WIDTH, color_bar, path_of, sheet

_SHARE, _DOUBT = colormaps["YlGnBu"], colormaps["PuRd"]


@dataclass(frozen=True)
class _Scale:
    """How a share is coloured, and what the colours are called."""

    colors: Colormap
    label: str
    most: float = 1.0
    """Where the colours end."""


def occupancy_map(cells: Any, *, title: str = "") -> Figure:
    """Draw each cell's probability of use (psi), where it was surveyed and found, and where the model extrapolates.

    Parameters
    ----------
    cells : GeoDataFrame
        Columns surveyed, detected, extrapolated, psi (0-1 or null) and geometry, in a system of metres.
    """
    return _cells(
        cells, cells["psi"], _Scale(_SHARE, "probability that the animal uses the cell (psi)"), title, marks=True
    )


def doubt_map(cells: Any, *, title: str = "") -> Figure:
    """Draw how wide the 95% limits of each cell's probability of use are: 0 is sure, 1 is a guess.

    Parameters
    ----------
    cells : GeoDataFrame
        Columns lower, upper (0-1 or null), extrapolated and geometry, in a system of metres.
    """
    return _cells(cells, cells["upper"] - cells["lower"], _Scale(_DOUBT, "width of its 95% limits"), title)


def share_map(
    cells: Any, column: str, *, label: str, most: float = 1.0, colors: str = "YlGnBu", title: str = ""
) -> Figure:
    """Draw a share that survey cells hold, such as `forest_share`.

    Parameters
    ----------
    cells : GeoDataFrame
        `column` (0-1, null = not seen) and geometry, in a system of metres.
    most : float
        Where the colours end.
    colors : str
        Name of a matplotlib colour map that runs from light to dark.
    """
    return _cells(cells, cells[column], _Scale(colormaps[colors], label, most), title)


def _cells(cells: Any, values: Any, scale: _Scale, title: str, *, marks: bool = False) -> Figure:
    from shapely import centroid

    values = np.asarray(values, dtype=float)
    known, flags = np.isfinite(values), _Flags(cells)
    west, south, east, north = cells.total_bounds
    side = float(np.sqrt(np.median(cells.area)))
    entries = _cell_entries(known, flags, marks=marks)
    figure, axes, bar = sheet((west, south, east, north), title, entries, bar=bool(known.any()))
    shapes: Any = np.array([path_of(shape) for shape in cells.geometry], dtype=object)
    thin: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.4}
    axes.add_collection(PathCollection(shapes[known], facecolors=scale.colors(values[known] / scale.most), **thin))
    axes.add_collection(PathCollection(shapes[~known], facecolors="#e4e4e0", **thin))
    if flags.extrapolated.any():
        dots = PathCollection(shapes[flags.extrapolated], facecolors="none", edgecolors="#3a3a3a", linewidths=0)
        dots.set_hatch("\\\\\\")
        axes.add_collection(dots)
    if marks:
        points = axes.get_position().width * WIDTH * 72 * side / max(east - west, 1)  # a cell's side in points of print
        for where, fill in ((flags.surveyed & ~flags.detected, "white"), (flags.detected, INK)):
            middle = centroid(cells.geometry.to_numpy()[where])
            x, y = [p.x for p in middle], [p.y for p in middle]
            size = float(np.clip(points * 0.3, 1.2, 7))
            axes.plot(x, y, "o", ms=size, mfc=fill, mec=INK if fill == "white" else "white", mew=size / 9)
    if bar:
        steps = [scale.most * k / 4 for k in range(5)]
        norm = Normalize(0, scale.most)
        color_bar(bar, scale.label, scale.colors, norm, [(t, f"{t * 100:.3g}%") for t in steps])
    return figure


class _Flags:
    """Yes-or-no columns of cells; a column that is not there is no."""

    def __init__(self, cells: Any) -> None:
        self.surveyed, self.detected, self.extrapolated = (
            cells[name].fillna(False).astype(bool).to_numpy() if name in cells else np.zeros(len(cells), dtype=bool)
            for name in ("surveyed", "detected", "extrapolated")
        )


def _cell_entries(known: np.ndarray, flags: _Flags, *, marks: bool) -> list[Any]:
    entries: list[Any] = []
    dot: dict[str, Any] = {"marker": "o", "linestyle": "", "ms": 6, "mec": INK}
    if marks and flags.detected.any():
        entries.append(Line2D([], [], mfc=INK, label="surveyed, animal recorded", **dot))
    if marks and (flags.surveyed & ~flags.detected).any():
        entries.append(Line2D([], [], mfc="white", label="surveyed, not recorded", **dot))
    if marks and not flags.surveyed.all():
        entries.append(Patch(facecolor="none", edgecolor=FAINT, label="no dot: not surveyed"))
    if flags.extrapolated.any():
        entries.append(Patch(facecolor="none", edgecolor="#3a3a3a", hatch="\\\\\\", lw=0.3, label="extrapolated"))
    if not known.all():
        entries.append(Patch(facecolor="#e4e4e0", label="no estimate"))
    return entries
