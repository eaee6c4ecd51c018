"""The shape of a sensor's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class QualityCodes:
    """How a product's quality band is translated into the common bits of :class:`habitat.cubes.Quality`."""

    asset: str
    """Name of the quality asset; our own catalogues write it."""
    n_bits: int
    """Width of its codes."""
    fill: int
    """The code that says: no measurement."""
    values: Mapping[int, int]
    """Code to quality bits, for bands that hold a class number; such a code's bits mean nothing."""
    bits: Mapping[int, int]
    """Bit position to quality bits, for bands that hold flags."""
    other_names: tuple[str, ...] = ()
    """What other catalogues call the quality asset, best first."""

    @property
    def assets(self) -> tuple[str, ...]:
        """Every name of the quality asset, best first."""
        return (self.asset, *self.other_names)

    @cached_property
    def lookup(self) -> np.ndarray:
        """Quality bits of every possible code, as uint8 of length 2 ** n_bits."""
        import numpy as np

        codes = np.arange(2**self.n_bits)
        flags = np.zeros(codes.shape, dtype=np.uint8)
        for bit, flag in self.bits.items():
            flags[(codes >> bit) & 1 == 1] |= flag
        for code, flag in self.values.items():
            flags[code] = flag
        return flags


@dataclass(frozen=True)
class Sensor:
    """What must be known about a satellite's surface-reflectance product to read it."""

    name: str
    """No two sensors share one."""
    platforms: tuple[str, ...]
    """Beginnings of a STAC item's `platform` (lower case)."""
    bands: Mapping[str, tuple[str, ...]]
    """Our band to the asset names it may go by, best first; a name is compared whole and in any case."""
    scale: float
    """Reflectance of one digital number, where the item does not say."""
    offset: float
    """Reflectance of digital number 0, where the item does not say."""
    nodata: int
    """Digital number of 'no measurement', where neither item nor file says."""
    resolution_m: float
    """Native pixel of the coarsest band that is used."""
    quality: QualityCodes
    saturation: QualityCodes | None = None
    """Of a second quality band, which a scene may lack: what it says is added to the first."""
    products: tuple[str, ...] = ()
    """Beginnings of a collection's or an item's name (lower case) that decide before any platform does."""
    other_levels: str = ""
    """Pattern of names and levels of this satellite's products that are no surface reflectance."""
