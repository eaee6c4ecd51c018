"""What the page reads: a run's folder and nothing else, block by block or thinned to what a picture shows."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.windows import Window

from habitat.cubes import BANDS
from habitat.errors import StoreError
from habitat.grids import blocks
from habitat.legend import DEFAULT_LEGEND, LandCover, Legend
from habitat.store import open_raster, read_table

_BLOCK = 2048
_NODATA = -32768


@dataclass(frozen=True)
class RunFolder:
    """A run's folder, as far as it has come."""

    path: Path
    state: dict[str, Any]
    """run.json."""
    recipe: dict[str, Any]
    recipe_text: str
    legend: Legend
    _tables: dict[str, Any] = field(default_factory=dict, repr=False)
    _areas: dict[int, dict[int, float]] = field(default_factory=dict, repr=False)

    def file(self, *parts: str) -> Path | None:
        """The path of a file, or None if it is not there."""
        path = self.path.joinpath(*parts)
        return path if path.is_file() else None

    def table(self, name: str) -> Any:
        """A table, or None if it is not there or has no rows; read once."""
        if name not in self._tables:
            path = self.file(name)
            table = None if path is None else read_table(path)
            self._tables[name] = table if table is not None and len(table) else None
        return self._tables[name]

    def class_areas(self, year: int) -> dict[int, float]:
        """Hectares of each code in the map of `year`, by counting its pixels once."""
        if year not in self._areas:
            self._areas[year] = count_classes(self.path / f"forest/{year}.tif")
        return self._areas[year]

    def json(self, name: str) -> dict[str, Any] | None:
        """A JSON file, or None if it is not there."""
        path = self.file(name)
        return None if path is None else _read_json(path)

    def years(self, folder: str) -> list[int]:
        """Years that have a raster `folder`/<year>.tif, ascending."""
        names = (p.stem for p in (self.path / folder).glob("*.tif"))
        return sorted(int(name) for name in names if re.fullmatch(r"\d{4}", name))

    def setting(self, section: str, key: str) -> Any:
        """A setting of the recipe, or None."""
        part = self.recipe.get(section)
        return part.get(key) if isinstance(part, dict) else None

    def notes(self, stage: str) -> dict[str, Any]:
        """What a stage noted about itself."""
        return dict(self.stages.get(stage, {}).get("notes") or {})

    @property
    def stages(self) -> dict[str, Any]:
        """Records of all stages."""
        return dict(self.state.get("stages") or {})

    @property
    def name(self) -> str:
        """The area's name."""
        return str(self.setting("area", "name") or "Unnamed area")

    def left_out(self, section: str, *names: str) -> str:
        """One line that says why a part of the page is missing."""
        if self.recipe and section not in self.recipe:
            return f"the recipe has no section [{section}]."
        return f"the run’s folder does not hold {' or '.join(names)}."


def read_folder(path: Path) -> RunFolder:
    """Read what every page needs.

    Raises
    ------
    StoreError
        If the folder holds no run, or its state or recipe cannot be read.
    """
    if not (path / "run.json").is_file():
        raise StoreError("holds no run of habitat", where=path, mend="`habitat run` a recipe first")
    state = _read_json(path / "run.json")
    text = ""
    if (path / "recipe.toml").is_file():
        text = (path / "recipe.toml").read_text(encoding="utf-8")
    try:
        recipe = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StoreError(f"is not TOML ({error})", where=path / "recipe.toml", mend="run the recipe again") from error
    return RunFolder(path, state, recipe, text, _legend(state.get("legend")))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"is not JSON ({error})", where=path, mend="run its stage again") from error
    if not isinstance(data, dict):
        raise StoreError("is not a JSON object", where=path, mend="run its stage again")
    return data


def _legend(classes: Any) -> Legend:
    if not classes:
        return DEFAULT_LEGEND
    return Legend(tuple(LandCover(int(c["code"]), str(c["name"]), str(c["color"]), bool(c["forest"])) for c in classes))


# -- rasters --------------------------------------------------------------------------------------------


class Thumbnail(NamedTuple):
    """One band of a raster, thinned to what a picture can show."""

    values: np.ndarray
    """(y, x)."""
    grid: GeoBox
    """The grid that the values lie on."""
    native_m: float
    """Side of a pixel of the file."""


def thumbnail(path: Path, band: str | int = 1, most: int = 900) -> Thumbnail:
    """Return one band thinned to at most `most` pixels a side, each picture pixel being one of the file's."""
    with open_raster(path) as file:
        grid = GeoBox.from_rio(file)
        index = _index(file.descriptions, band)
        rows, cols = slice(0, grid.shape.y), slice(0, grid.shape.x)
        shape = _shape(rows, cols, most)
        values = file.read(index, out_shape=shape, resampling=Resampling.nearest)
    return Thumbnail(values, _thinned_grid(grid, rows, cols, shape), grid.transform.a)


def chip(
    path: Path, center: tuple[float, float], side_m: float, most: int = 320
) -> tuple[dict[str, np.ndarray], GeoBox]:
    """Return the reflectance (0-1, NaN = not seen) of a square of a composite, by band, and its grid.

    The square is moved into the composite where it would stick out of it.
    """
    with open_raster(path) as file:
        grid = GeoBox.from_rio(file)
        rows, cols = _square(grid, center, side_m)
        window = Window(cols.start, rows.start, cols.stop - cols.start, rows.stop - rows.start)
        shape = _shape(rows, cols, most)
        bands = {}
        for name in BANDS:
            if name in file.descriptions:
                values = file.read(_index(file.descriptions, name), window=window, out_shape=shape)
                bands[name] = np.where(values == _NODATA, np.nan, values / 10_000.0)
    return bands, _thinned_grid(grid, rows, cols, shape)


def square(path: Path, center: tuple[float, float], side_m: float) -> tuple[np.ndarray, GeoBox]:
    """Return the first band (y, x) of a square of a raster, pixel for pixel, and its grid."""
    with open_raster(path) as file:
        grid = GeoBox.from_rio(file)
        rows, cols = _square(grid, center, side_m)
        shape = (rows.stop - rows.start, cols.stop - cols.start)
        values = file.read(1, window=Window(cols.start, rows.start, shape[1], shape[0]))
    return values, _thinned_grid(grid, rows, cols, shape)


def count_classes(path: Path) -> dict[int, float]:
    """Return hectares of each code of a map, by counting its pixels."""
    counts = np.zeros(256, dtype=np.int64)
    with open_raster(path) as file:
        grid = GeoBox.from_rio(file)
        for block in blocks(grid, _BLOCK):
            window = Window(block.cols.start, block.rows.start, block.shape[1], block.shape[0])
            counts += np.bincount(file.read(1, window=window).ravel(), minlength=256)[:256]
    pixel = abs(grid.transform.a * grid.transform.e) / 10_000
    return {int(code): float(counts[code] * pixel) for code in np.flatnonzero(counts)}


def mean_looks(path: Path) -> float | None:
    """Return how many clear looks the pixels of a composite had that had any, on average; None if it holds no looks."""
    total, pixels = 0, 0
    with open_raster(path) as file:
        if "looks" not in file.descriptions:
            return None
        index = _index(file.descriptions, "looks")
        for block in blocks(GeoBox.from_rio(file), _BLOCK):
            window = Window(block.cols.start, block.rows.start, block.shape[1], block.shape[0])
            looks = file.read(index, window=window)
            total += int(looks[looks > 0].sum())
            pixels += int((looks > 0).sum())
    return total / pixels if pixels else 0.0


def _index(descriptions: tuple[str | None, ...], band: str | int) -> int:
    return band if isinstance(band, int) else descriptions.index(band) + 1


def _shape(rows: slice, cols: slice, most: int) -> tuple[int, int]:
    high, wide = rows.stop - rows.start, cols.stop - cols.start
    step = max(1.0, max(high, wide) / most)
    return max(1, round(high / step)), max(1, round(wide / step))


def _thinned_grid(grid: GeoBox, rows: slice, cols: slice, shape: tuple[int, int]) -> GeoBox:
    """The grid of `shape` pixels over a part of `grid`."""
    a, _, west, _, e, north = grid.transform[:6]
    wide, high = a * (cols.stop - cols.start) / shape[1], e * (rows.stop - rows.start) / shape[0]
    return GeoBox(shape, Affine(wide, 0, west + a * cols.start, 0, high, north + e * rows.start), grid.crs)


def _square(grid: GeoBox, center: tuple[float, float], side_m: float) -> tuple[slice, slice]:
    a, _, west, _, e, north = grid.transform[:6]
    col, row, side = (center[0] - west) / a, (center[1] - north) / e, side_m / a
    return _inside(row, side, grid.shape.y), _inside(col, side, grid.shape.x)


def _inside(middle: float, length: float, most: int) -> slice:
    size = min(max(round(length), 1), most)
    start = min(max(round(middle - size / 2), 0), most - size)
    return slice(start, start + size)
