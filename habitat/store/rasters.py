"""Cloud-optimised GeoTIFFs, written block by block and all at once."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import rasterio
import rasterio.errors
import rasterio.shutil
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from habitat.errors import HabitatError, ReadError
from habitat.grids import Block
from habitat.store._atomic import replacing

_TILE = 256
_ALMOST_NOTHING = 2**20
"""Bytes: where fewer are free, a write that failed failed for want of space."""
_TRAILER = 4
"""Bytes that follow each tile of a COG."""
MAX_PIXELS = 4 * 10**10
"""Of a file that is opened: a mosaic of three hundred whole Sentinel-2 tiles. A header can claim anything."""
MAX_BLOCK_PIXELS = 2**28
"""Of one block of a file, which is decoded whole."""
_MANY_FILES = 2**14
"""Of which it is remembered where they lie."""
_COG = {"COMPRESS": "DEFLATE", "PREDICTOR": "YES", "BLOCKSIZE": str(_TILE), "BIGTIFF": "IF_SAFER"}
_MAKING = {"COG_TMP_COMPRESSION": "NONE"}
"""Overviews lie in a file of their own until they are copied: GDAL would compress it for that moment."""
_ALONE = {"GDAL_PAM_ENABLED": "NO", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
"""A file is what it holds: nothing that lies beside it (.aux.xml, .ovr, .tfw) may change its numbers or its place."""


class RasterWriter:
    """A COG that is written block by block, and that appears only when it is whole.

    Parameters
    ----------
    path : Path
        Where it will be.
    grid : GeoBox
        Its grid.
    bands : sequence of str
        Descriptions of its bands.
    dtype, nodata
        Of all bands.
    colormap : mapping of int to RGBA, optional
        Colour table of the first band (uint8 or uint16).
    tags : mapping of str to str, optional
        Metadata, such as units.
    resampling : str
        How overviews are made: "nearest" for codes, "average" for quantities.
    level : int
        Of DEFLATE, 1 to 9. Where neighbours differ by noise, files are as large at 1 and written twice as fast; even
        patches are up to a fifth smaller at 6.
    """

    def __init__(  # noqa: PLR0913 - what a GeoTIFF holds, each by its name
        self,
        path: Path,
        grid: GeoBox,
        bands: Sequence[str],
        dtype: str,
        nodata: float | None,
        *,
        colormap: Mapping[int, tuple[int, int, int, int]] | None = None,
        tags: Mapping[str, str] | None = None,
        resampling: str = "nearest",
        level: int = 6,
    ) -> None:
        self._profile = {
            "driver": "GTiff",
            "width": grid.shape.x,
            "height": grid.shape.y,
            "count": len(bands),
            "dtype": dtype,
            "nodata": nodata,
            "crs": str(grid.crs),
            "transform": grid.transform,
            "tiled": True,
            "blockxsize": _TILE,
            "blockysize": _TILE,
            "interleave": "band",
            "BIGTIFF": "IF_SAFER",
        }
        self._bands, self._colormap, self._tags = tuple(bands), colormap, dict(tags or {})
        self._path = path
        self._making = {**_COG, "OVERVIEW_RESAMPLING": resampling.upper(), "LEVEL": str(level)}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            final = stack.enter_context(replacing(self._path))
            self._file = stack.enter_context(self._converted(final))
            self._file.descriptions = self._bands
            self._file.update_tags(**self._tags)
            if self._colormap is not None:
                self._file.write_colormap(1, dict(self._colormap))
            self._stack = stack.pop_all()
        return self

    @contextmanager
    def _converted(self, final: Path) -> Iterator[Any]:
        """Give a plain GeoTIFF to write to, and make a COG of it if the block ends well."""
        raw = final.with_suffix(".raw")
        try:
            with rasterio.open(raw, "w", **self._profile) as file:
                yield file
            with rasterio.Env(**_MAKING):
                rasterio.shutil.copy(raw, final, driver="COG", **self._making)
            _refuse_cut(final)
        except HabitatError:
            raise
        except Exception as error:
            # Not all of GDAL's errors are RasterioErrors, and none of them has an errno.
            if not (isinstance(error, OSError) or type(error).__module__.startswith("rasterio")):
                raise
            full = shutil.disk_usage(final.parent).free < _ALMOST_NOTHING
            raise OSError(errno.ENOSPC if full else errno.EIO, _cause(error)) from error
        finally:
            raw.unlink(missing_ok=True)

    def write(self, values: np.ndarray, block: Block) -> None:
        """Write one block, (band, y, x)."""
        height, width = block.shape
        self._file.write(values, window=Window(block.cols.start, block.rows.start, width, height))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)


def _refuse_cut(path: Path) -> None:
    """GDAL does not say so when the disk is full as it closes a file: the end of the last tile is missing then."""
    with rasterio.open(path) as file:
        row, col = ((length - 1) // _TILE for length in file.shape)
        start, length = (
            int(file.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=1) or 0) for what in ("OFFSET", "SIZE")
        )
    if path.stat().st_size < start + length + _TRAILER:
        raise OSError("the file was cut short")


def write_raster(
    path: Path, values: np.ndarray, grid: GeoBox, bands: Sequence[str], nodata: float | None, **options: Any
) -> None:
    """Write (band, y, x) values as one COG; `options` are those of :class:`RasterWriter`."""
    whole = Block(0, slice(0, grid.shape.y), slice(0, grid.shape.x))
    with RasterWriter(path, grid, bands, values.dtype.name, nodata, **options) as file:
        file.write(values, whole)


@contextmanager
def open_raster(path: Path | str) -> Iterator[rasterio.DatasetReader]:
    """Open a GeoTIFF or a JPEG 2000 for reading, and nothing else: a VRT named .tif could read any local file.

    Raises
    ------
    ReadError
        If it is missing, is not what its name says, claims a size beyond reason, or cannot be decoded inside the
        block.
    """
    with _opened(path, rasterio.open) as file:
        yield file


@contextmanager
def open_on_grid(path: Path | str) -> Iterator[tuple[rasterio.DatasetReader, GeoBox]]:
    """Open a file as :func:`open_raster` does, and give it with the grid it lies on.

    The file itself has no `crs`. To make out a reference system takes ten times as long as all else that opening
    takes, so it is done once a file, and again when the file has changed: a run opens the same files for every block.

    Raises
    ------
    ReadError
        As :func:`open_raster`.
    """
    try:
        found = Path(path).stat()
    except (OSError, ValueError):  # it is missing, lies in GDAL's memory, or has no possible name
        with open_raster(path) as file:
            yield file, GeoBox.from_rio(file)
        return
    grid = _grid_of(str(path), (found.st_ino, found.st_size, found.st_mtime_ns))
    with _opened(path, _Bare) as file:
        yield file, grid


@lru_cache(maxsize=_MANY_FILES)
def _grid_of(path: str, _state: tuple[int, int, int]) -> GeoBox:
    """The grid of a file in this state."""
    with open_raster(path) as file:
        return GeoBox.from_rio(file)


class _Bare(rasterio.DatasetReader):  # type: ignore[misc]
    """An open file whose reference system is not asked for."""

    def read_crs(self) -> None:
        """Return none: rasterio asks as it opens a file."""


@contextmanager
def _opened(path: Path | str, how: Callable[..., Any]) -> Iterator[Any]:
    if str(path).startswith("/vsi") and not str(path).startswith("/vsimem/"):
        raise ReadError("is no file: GDAL would go to the network for it", where=path, mend="give a file's path")
    if "://" not in str(path) and not str(path).startswith("/vsi") and _is_missing(path):
        raise ReadError("there is no such file", where=path, mend="put it back, or make or fetch it again")
    driver = "JP2OpenJPEG" if str(path).lower().endswith(".jp2") else "GTiff"
    try:
        with rasterio.Env(**_ALONE), how(str(path), driver=driver, sharing=False) as file:
            _refuse_giant(file, path)
            yield file
    except rasterio.errors.RasterioError as error:
        raise ReadError(
            f"cannot be read as a raster ({_cause(error)})",
            where=shown(path),
            mend="it may be truncated: fetch it again",
        ) from error


def _is_missing(path: Path | str) -> bool:
    """Whether there is no such file; what cannot be asked for, such as a name that is too long, GDAL refuses."""
    try:
        return not Path(path).exists()
    except (OSError, ValueError):
        return False


def _refuse_giant(file: rasterio.DatasetReader, path: Path | str) -> None:
    """Believe no header that would fill the memory."""
    high, wide = file.block_shapes[0] if file.block_shapes else (1, 1)
    if file.width * file.height > MAX_PIXELS or high * wide > MAX_BLOCK_PIXELS:
        raise ReadError(
            f"claims {file.height} x {file.width} pixels in blocks of {high} x {wide}, more than habitat opens",
            where=shown(path),
            mend="cut it into tiles, if it is really that large",
        )


def shown(address: Path | str) -> str:
    """Return an address as it may be shown: without user, query and fragment, each of which can be a secret."""
    scheme, mark, rest = str(address).partition("://")
    if not mark:
        return str(address)
    host, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


def _cause(error: BaseException) -> str:
    """GDAL's own words: rasterio says only that reading failed and chains the reason."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)


def read_raster(path: Path, block: Block | None = None) -> tuple[np.ndarray, GeoBox]:
    """Read (band, y, x) values and the grid they lie on.

    Raises
    ------
    ReadError
        If the file is missing, is not a GeoTIFF or JPEG 2000, or cannot be decoded.
    """
    with open_on_grid(path) as (file, grid):
        if block is None:
            return file.read(), grid
        height, width = block.shape
        window = Window(block.cols.start, block.rows.start, width, height)
        return file.read(window=window), grid[block.rows, block.cols]
