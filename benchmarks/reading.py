"""Read the same files with rasterio alone, with odc-stac and with habitat: million pixels per core-second.

    python benchmarks/reading.py FOLDER [--repeats 5] [--side 5490] [--compress ZSTD DEFLATE]

Tiles with the texture of real ones are written into FOLDER as cloud-optimised GeoTIFFs (tiles of 512, no overviews,
so that nobody reads less than all) and read in turns, `--repeats` times after one that does not count. CPU time is that
of the process and all its threads, on memory that the process has used before. Where a reference system changes,
every position is compared with pyproj's. Writes results/reading.md. Needs the extra `benchmarks`.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import resource
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pystac
import rasterio
import scipy.ndimage
import shapely
from odc.geo.geobox import GeoBox

from habitat.grids import cells_of, grid_over, resample_bilinear, resample_nearest, window_over
from habitat.sensors import LANDSAT, SENTINEL2, Sensor
from habitat.tiles import Asset, Scene, read_stack

RESULTS = Path(__file__).parent / "results"
ZONE_52, ZONE_53 = "EPSG:32652", "EPSG:32653"
CORNER = (699_960.0, 4_800_000.0)
"""North-west corner of a tile at the eastern edge of zone 52."""
DATES = 6
TILE_M = 109_800
SIDE = 5490
"""Pixels of 20 m along a tile."""
NOISE = {"red": 30.0, "nir08": 130.0, "quality": 3.0}
"""Digital numbers by which neighbours differ, beyond what the ground does: medians of 86 real dates of a forest."""
STEP_CHECKED = 512
"""Rows of positions that are compared with pyproj's at once."""


@dataclass(frozen=True)
class Case:
    """One piece of work, and the ways in which it is done."""

    name: str
    pixels: int
    """That count as the work: of the files where they are finer, else of the result."""
    ways: Mapping[str, Callable[[], Any]]
    notes: list[str] = field(default_factory=list)


# -- tiles ----------------------------------------------------------------------------------------------


def box(shape: int, pixel_m: float, shift_m: float = 0) -> GeoBox:
    west, north = CORNER
    return GeoBox((shape, shape), rasterio.Affine(pixel_m, 0, west - shift_m, 0, -pixel_m, north + shift_m), ZONE_52)


def texture(shape: tuple[int, int], noise: float, seed: int) -> np.ndarray:
    """Digital numbers that compress like a forest's: fields, rough ground, and `noise` from pixel to pixel."""
    rng = np.random.default_rng(seed)
    numbers = np.full(shape, 2000, dtype=np.float32)
    for cells, size in ((12, 500), (80, 250)):
        coarse = rng.standard_normal((cells, cells)).astype(np.float32)
        zoom = [side / cells for side in shape]
        fine = scipy.ndimage.zoom(coarse, zoom, order=1, grid_mode=True, mode="nearest")
        numbers += size * fine[: shape[0], : shape[1]]
    numbers += noise * rng.standard_normal(shape, dtype=np.float32)
    return np.clip(numbers, 1, 9000).astype(np.uint16)


def write_tile(path: Path, values: np.ndarray, grid: GeoBox, compress: str) -> None:
    raw = path.with_suffix(".raw.tif")
    profile = {"driver": "GTiff", "count": 1, "dtype": values.dtype, "crs": str(grid.crs), "nodata": 0}
    with rasterio.open(
        raw, "w", height=grid.shape.y, width=grid.shape.x, transform=grid.transform, tiled=True, **profile
    ) as file:
        file.write(values, 1)
    rasterio.shutil.copy(raw, path, driver="COG", COMPRESS=compress, PREDICTOR="YES", BLOCKSIZE="512", OVERVIEWS="NONE")
    raw.unlink()


def make_scenes(folder: Path, sensor: Sensor, bands: Mapping[str, GeoBox], dates: int, compress: str) -> list[Scene]:
    """Write a scene a date; the same ground, with other noise."""
    scenes = []
    for date in range(dates):
        first = next(iter(bands.values()))
        name = f"{sensor.name}-{compress}-{first.shape.x}x{first.transform.a:g}m-{date}"
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        assets = {}
        for number, (band, grid) in enumerate(bands.items()):
            path = place / f"{band}.tif"
            if not path.exists():
                values = texture(grid.shape, NOISE.get(band, NOISE["red"]), 10 * date + number)
                if band == "quality":
                    values = np.where(values > 2500, 9, 4).astype(np.uint8)
                write_tile(path, values, grid, compress)
            assets[band] = Asset(str(path), sensor.scale, sensor.offset, sensor.nodata)
        when = datetime(2020, 7, 1, 2, 20, tzinfo=UTC) + timedelta(days=5 * date)
        footprint = shapely.box(*first.geographic_extent.boundingbox)
        quality = assets.pop("quality", None)
        scenes.append(Scene(name, sensor, when, 0.0, footprint, assets, quality, platform=f"{sensor.name}a"))
    return scenes


# -- ways of reading ------------------------------------------------------------------------------------


def read_plainly(scenes: Sequence[Scene], bands: Sequence[str]) -> list[np.ndarray]:
    """Rasterio alone: every file whole, as it is."""
    found = []
    for scene in scenes:
        for band in bands:
            with rasterio.open(scene.assets[band].href) as file:
                found.append(file.read(1))
    return found


def as_items(scenes: Sequence[Scene]) -> list[pystac.Item]:
    """What odc-stac wants to know."""
    items = []
    for scene in scenes:
        item = pystac.Item(
            scene.id, shapely.geometry.mapping(scene.geometry), list(scene.geometry.bounds), scene.time, {}
        )
        item.stac_extensions = ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"]
        for band, asset in scene.assets.items():
            with rasterio.open(asset.href) as file:
                said = {
                    "proj:epsg": file.crs.to_epsg(),
                    "proj:shape": list(file.shape),
                    "proj:transform": list(file.transform),
                    "raster:bands": [{"data_type": file.dtypes[0], "nodata": file.nodata}],
                }
            item.add_asset(
                band, pystac.Asset(asset.href, media_type=pystac.MediaType.COG, extra_fields=said, roles=["data"])
            )
        items.append(item)
    return items


def odc(scenes: Sequence[Scene], bands: Sequence[str], grid: GeoBox, resampling: str = "nearest") -> Callable[[], Any]:
    """odc-stac onto the same grid; None if it is not installed."""
    import odc.stac

    items = as_items(scenes)
    return lambda: odc.stac.load(items, bands=list(bands), geobox=grid, resampling=resampling, groupby="id")


def sampled(scenes: Sequence[Scene], band: str, grid: GeoBox, way: str) -> list[np.ndarray]:
    """Habitat's plain kernels, from the file."""
    found = []
    for scene in scenes:
        with rasterio.open(scene.bands[band].href) as file:
            own = GeoBox.from_rio(file)
            window = window_over(own, grid)
            values = file.read(1, window=rasterio.windows.Window.from_slices(*window))
        if way == "nearest":
            found.append(resample_nearest(values, own[window], grid, 0))
        else:
            known = np.where(values == 0, np.float32(np.nan), values.astype(np.float32))
            found.append(resample_bilinear(known, own[window], grid))
    return found


# -- measuring ------------------------------------------------------------------------------------------


def keep_memory() -> None:
    """Let the process keep what it frees, for all ways alike.

    What a page of memory costs the first time is the machine's affair: on a virtual one it can be more than decoding.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no array is a mapping of its own
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: nothing is given back


def cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(case: Case, repeats: int) -> dict[str, float]:
    """Million pixels per core-second of each way: the median, the ways in turns."""
    spent: dict[str, list[float]] = {name: [] for name in case.ways}
    for turn in range(repeats + 1):
        for name, way in case.ways.items():
            before = cpu_s()
            kept = way()
            seconds = cpu_s() - before
            del kept
            if turn:
                spent[name].append(seconds)
    return {name: case.pixels / 1e6 / max(statistics.median(times), 1e-9) for name, times in spent.items()}


def position_error(source: GeoBox, target: GeoBox) -> float:
    """The largest distance of any pixel's position from pyproj's, in pixels of the source."""
    exact = pyproj.Transformer.from_crs(str(target.crs), str(source.crs), always_xy=True)
    cells, worst = cells_of(source, target), 0.0
    cols = np.arange(target.shape.x) + 0.5
    for start in range(0, target.shape.y, STEP_CHECKED):
        rows = np.arange(start, min(start + STEP_CHECKED, target.shape.y)) + 0.5
        x, y = ~source.transform @ exact.transform(*(target.transform @ np.meshgrid(cols, rows)))
        found_x, found_y = cells.at(rows, cols)
        worst = max(worst, float(np.hypot(found_x - x, found_y - y).max()))
    return worst


def cases(folder: Path, side: int, compress: str, *, peer: bool) -> list[Case]:
    """All pieces of work, their files written."""
    twenty, ten, thirty = box(side, 20), box(2 * side, 10), box(2 * side // 3, 30, shift_m=15)
    sentinel = make_scenes(folder, SENTINEL2, {"red": twenty, "nir08": twenty, "quality": twenty}, DATES, compress)
    fine = make_scenes(folder, SENTINEL2, {"red": ten}, 1, compress)
    landsat = make_scenes(folder, LANDSAT, {"red": thirty, "nir08": thirty}, 2, compress)
    bands = ("red", "nir08")

    def ours(
        scenes: Sequence[Scene], bands: Sequence[str], grid: GeoBox, *, quality: bool = False
    ) -> Callable[[], Any]:
        return lambda: read_stack(scenes, grid, bands, use_quality=quality)

    n = side * side
    found = [
        Case(
            f"native grid, {DATES} dates x 2 bands",
            2 * DATES * n,
            {"rasterio": lambda: read_plainly(sentinel, bands), "habitat": ours(sentinel, bands, twenty)},
        ),
        Case(
            f"native grid, {DATES} dates x 2 bands and quality",
            3 * DATES * n,
            {
                "rasterio": lambda: read_plainly(sentinel, (*bands, "quality")),
                "habitat": ours(sentinel, bands, twenty, quality=True),
            },
        ),
        Case(
            "10 m to 20 m by mean, one band (10 m pixels)",
            4 * n,
            {"rasterio, not averaged": lambda: read_plainly(fine, ("red",)), "habitat": ours(fine, ("red",), twenty)},
        ),
        Case(
            "both sensors on the 20 m grid, 2 dates each x 2 bands (20 m pixels)",
            8 * n,
            {"habitat": ours([*sentinel[:2], *landsat], bands, twenty)},
        ),
        Case(
            "Landsat's 30 m on the 20 m grid by mean, 2 dates x 2 bands (20 m pixels)",
            4 * n,
            {"habitat": ours(landsat, bands, twenty)},
        ),
    ]
    far = grid_over(
        tuple(twenty[side // 20 : -side // 20, side // 20 : -side // 20].footprint(ZONE_53).boundingbox), ZONE_53, 20
    )
    far_pixels = 2 * far.shape.x * far.shape.y
    worst = position_error(twenty, far)
    for way in ("nearest", "bilinear", "mean"):
        if way == "mean":
            read = ours(sentinel[:2], ("red",), far)
        else:
            read = lambda way=way: sampled(sentinel[:2], "red", far, way)  # noqa: E731 - one of three ways
        found.append(Case(f"another zone, {way}, 2 dates x 1 band", far_pixels, {"habitat": read}))
    found[-1].notes.append(f"largest error of a position, of all pixels, against pyproj: {worst:.1e} pixel")
    if peer:
        for case, way in zip(
            found,
            (
                odc(sentinel, bands, twenty),
                odc(sentinel, (*bands, "quality"), twenty),
                odc(fine, ("red",), twenty, "average"),
                odc([*sentinel[:2], *landsat], bands, twenty, "average"),
                odc(landsat, bands, twenty, "average"),
                *(odc(sentinel[:2], ("red",), far, name) for name in ("nearest", "bilinear", "average")),
            ),
            strict=True,
        ):
            case.ways["odc-stac"] = way  # type: ignore[index]
    return found


def machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        named = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0] if named else model
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}"


def report(measured: Mapping[str, Sequence[tuple[Case, Mapping[str, float]]]], side: int, repeats: int) -> str:
    """The page that is kept."""
    names = ("rasterio", "odc-stac", "odc-loader", "numba", "numpy")
    libraries = ", ".join(f"{name} {version(name)}" for name in names if find_spec(name.replace("-", ".")))
    lines = [
        "# Reading, side by side",
        "",
        f"`python benchmarks/reading.py FOLDER`: million pixels per core-second, median of {repeats}; "
        f"tiles of {side} x {side} pixels of 20 m. {machine()}; {libraries}. Compare figures of one row only.",
        "",
        "habitat gives float32 reflectance with its holes marked; rasterio and odc-stac give the files' own uint16.",
        "Pixels are those of the result, but where the files are finer: there they are the files'.",
    ]
    for compress, rows in measured.items():
        lines += [
            "",
            f"## {compress}",
            "",
            "| work | rasterio | odc-stac | habitat | habitat / rasterio | habitat / odc-stac |",
        ]
        lines += ["|---|---|---|---|---|---|"]
        for case, speed in rows:
            plain = speed.get("rasterio", speed.get("rasterio, not averaged"))
            peer, own = speed.get("odc-stac"), speed["habitat"]
            cells = [f"{value:.1f}" if value else "-" for value in (plain, peer, own)]
            cells += [f"{own / value:.2f}" if value else "-" for value in (plain, peer)]
            lines.append("| " + " | ".join([case.name, *cells]) + " |")
        lines += ["", *(note for case, _ in rows for note in case.notes)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--compress", nargs="+", default=["ZSTD", "DEFLATE"])
    given = parser.parse_args()
    keep_memory()
    measured = {}
    for compress in given.compress:
        measured[compress] = []
        for case in cases(given.folder, given.side, compress, peer=True):
            speed = measure(case, given.repeats)
            measured[compress].append((case, speed))
            print(
                compress, case.name, {name: round(value, 1) for name, value in speed.items()}, *case.notes, flush=True
            )
    page = report(measured, given.side, given.repeats)
    print(page)
    if given.side == SIDE:
        (RESULTS / "reading.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
