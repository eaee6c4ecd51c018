"""Land-cover classes: code, name, colour, and whether a class is forest.

*Forest* is cover, not land use: woody crowns over at least 30% of the pixel on the date.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from habitat.errors import RecipeError

UNKNOWN = 0
"""Code of a pixel that was not seen: it has no state."""


@dataclass(frozen=True)
class LandCover:
    """One class of a legend."""

    code: int
    """1 to 254; 0 is kept for unknown."""
    name: str
    color: str
    """`#rrggbb`."""
    forest: bool


@dataclass(frozen=True)
class Legend:
    """The classes of a map, in the order of their codes.

    Raises
    ------
    RecipeError
        On a code outside 1 to 254, a code given twice, or a colour that is not `#rrggbb`.
    """

    classes: tuple[LandCover, ...]

    def __post_init__(self) -> None:
        seen: set[int] = set()
        for cover in self.classes:
            if not 1 <= cover.code <= 254:
                raise RecipeError(
                    f"class code {cover.code} is outside 1 to 254", where="legend", mend="0 is kept for unknown"
                )
            if cover.code in seen:
                raise RecipeError(
                    f"class code {cover.code} is given twice", where="legend", mend="give each class its own code"
                )
            if not _is_color(cover.color):
                raise RecipeError(
                    f"colour {cover.color!r} of class {cover.code} is not a colour",
                    where="legend",
                    mend="write it as '#rrggbb'",
                )
            seen.add(cover.code)

    def __iter__(self) -> Iterator[LandCover]:
        return iter(self.classes)

    def __getitem__(self, code: int) -> LandCover:
        for cover in self.classes:
            if cover.code == code:
                return cover
        raise KeyError(code)

    @property
    def codes(self) -> tuple[int, ...]:
        """All codes."""
        return tuple(cover.code for cover in self.classes)

    @property
    def forest_codes(self) -> tuple[int, ...]:
        """Codes of the classes that are forest."""
        return tuple(cover.code for cover in self.classes if cover.forest)

    @property
    def colormap(self) -> dict[int, tuple[int, int, int, int]]:
        """Code to RGBA, 0 to 255, as a GeoTIFF's colour table holds it; unknown is transparent."""
        table = {UNKNOWN: (0, 0, 0, 0)}
        for cover in self.classes:
            red, green, blue = bytes.fromhex(cover.color[1:])
            table[cover.code] = (red, green, blue, 255)
        return table


def _is_color(text: str) -> bool:
    return len(text) == 7 and text[0] == "#" and all(c in "0123456789abcdefABCDEF" for c in text[1:])


DEFAULT_LEGEND = Legend(
    (
        LandCover(11, "evergreen conifer", "#0b4f2f", True),
        LandCover(12, "larch", "#5f8f3e", True),
        LandCover(13, "Korean pine with broadleaves", "#1f7a4d", True),
        LandCover(14, "oak and other broadleaves", "#3fa34d", True),
        LandCover(15, "birch and aspen", "#8cc269", True),
        LandCover(21, "shrub", "#b5b35c", False),
        LandCover(22, "grassland", "#e3d985", False),
        LandCover(23, "burnt grassland", "#8a5a44", False),
        LandCover(30, "crop", "#e8a33d", False),
        LandCover(40, "wetland", "#6fb7a8", False),
        LandCover(50, "water", "#2f6db5", False),
        LandCover(60, "bare", "#b9aea0", False),
        LandCover(70, "settlement", "#c0392b", False),
    )
)
"""The classes of the Amur tiger's and leopard's border forest."""

BROAD_LEGEND = Legend(
    (
        LandCover(10, "forest", "#1f7a4d", True),
        LandCover(20, "not forest", "#e6e1c8", False),
        *(cover for cover in DEFAULT_LEGEND if cover.code in (21, 22, 30, 40, 50, 60, 70)),
    )
)
"""What maps that others made can tell: forest of no kind, and what is not forest, named or not."""
