"""Pictures as a page holds them: inside it, with words for those who cannot see them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from habitat.plots import to_png
from habitat.report.folder import Thumbnail


@dataclass(frozen=True)
class Inset:
    """One picture of the page."""

    uri: str
    """The PNG itself, as a data address."""
    alt: str
    """What a reader who cannot see it should know."""
    caption: str
    width: int
    height: int
    """In CSS pixels."""


def inset(figure: Any, alt: str, caption: str) -> Inset:
    """Turn a figure of :mod:`habitat.plots` into a picture of the page."""
    wide, high = (round(side * 100) for side in figure.get_size_inches())
    data = base64.b64encode(to_png(figure)).decode("ascii")
    return Inset(f"data:image/png;base64,{data}", alt, caption, wide, high)


def thinned(thumbnail: Thumbnail) -> str:
    """Say so when a picture shows fewer pixels than its file holds."""
    drawn = thumbnail.grid.transform.a
    if drawn <= thumbnail.native_m * 1.01:
        return ""
    return f" Drawn at {drawn:,.0f} m per pixel; the file has {thumbnail.native_m:g} m."
