"""What becomes of a forest's edge when all looks are as sharp as the coarsest, and what that costs small clearings.

    python -m benchmarks.sharpness [SEED ...]

Simulated landscapes of 2.4 km, seeds 100 to 109 unless others are named. One moment of summer seen by Sentinel-2 and by
Landsat; composites of three summers of each, as in `registration.py`; square clearings in the forest of the first. The
simulator's pixels are blurred by other numbers than the correction supposes. Prints tables and writes
`results/sharpness.md`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage

from benchmarks.registration import (
    BANDS,
    SIZE_KM,
    YEARS,
    clear,
    described,
    scenes_of,
    sensors_apart,
    stable_forest,
    write_landscape,
)
from habitat.grids import coordinates, resample_mean
from habitat.imagery import match_sharpness
from habitat.simulate import scenes
from habitat.simulate.area import FINE_M, Area
from habitat.simulate.disturbance import make_history
from habitat.simulate.fields import block_mean
from habitat.simulate.landscape import FOREST_COVER, make_landscape
from habitat.simulate.sky import sun_at
from habitat.simulate.streams import Streams
from habitat.simulate.surface import make_ground, make_surface, reflectance
from habitat.simulate.terrain import make_terrain
from habitat.tiles import read_stack, run_grid

SENSORS = (scenes.SENTINEL2, scenes.LANDSAT)
SEEN = {"red": 2, "nir08": 3}
PLACES_M = {"none": 0.0, "the simulator's own": 1.0, "twice the simulator's": 2.0}
"""Times the simulator's errors of place."""
SIDES_M = (20, 30, 40, 50, 60, 80, 100)
"""Of clearings."""
GAP_NDVI = 0.3
"""Of a clearing: soil, slash and grass."""
HEADER = "| median | mean size | median size | 95% | below 0.02 |"
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Moment:
    """One moment of summer on the fine grid, in Landsat's bands for both sensors."""

    area: Area
    fine: np.ndarray
    """Reflectance (band, y, x)."""
    edge: np.ndarray
    """Forest beside what is none, pixels of the map."""
    inside: np.ndarray
    """Forest two pixels or more from any that is not."""

    @classmethod
    def of(cls, seed: int) -> Moment:
        """A landscape on a day of July."""
        area, streams = Area.of_size(SIZE_KM), Streams(seed)
        landscape = make_landscape(area, make_terrain(area, streams), streams)
        history, ground = make_history(landscape, YEARS, streams), make_ground(landscape, streams)
        when = datetime(2021, 7, 20, 2, 10, tzinfo=UTC)
        sun, state = sun_at(when, scenes.LATITUDE, scenes.LONGITUDE), history.at(when.date())
        fine = reflectance(ground, make_surface(ground, state, streams), scenes.LANDSAT, sun.azimuth, sun.elevation)
        woody = block_mean((state.cover >= FOREST_COVER).astype(np.float32)[6:-6, 6:-6], 2)
        never, always = woody == 0, woody == 1
        edge = always & ndimage.binary_dilation(never, np.ones((3, 3)))
        return cls(area, fine, edge, ndimage.binary_erosion(always, np.ones((3, 3)), iterations=2))

    def seen(self, fine: np.ndarray, shifts: Mapping[str, np.ndarray]) -> xr.Dataset:
        """Return a STACK of one look of each sensor, each shifted by so many fine pixels."""
        grid: GeoBox = self.area.map
        values = {}
        for band, number in SEEN.items():
            looks = []
            for sensor in SENSORS:
                own = scenes._grid_of(self.area, sensor, band)
                look = scenes._sample(fine[number], self.area, own, scenes._blur(sensor, band), shifts[sensor])
                looks.append(resample_mean(look, own, grid))
            values[band] = (("time", "y", "x"), np.stack(looks))
        quality = (("time", "y", "x"), np.zeros((2, *grid.shape), dtype=np.uint8))
        times = np.array(["2021-07-20T02:08", "2021-07-20T02:16"], dtype="datetime64[ns]")
        where = {"time": times, "sensor": ("time", list(SENSORS)), **coordinates(grid)}
        return xr.Dataset({**values, "quality": quality}, coords=where)


def ndvi(stack: xr.Dataset) -> np.ndarray:
    """NDVI (time, y, x)."""
    red, nir = stack["red"].values, stack["nir08"].values
    return np.asarray((nir - red) / (nir + red))


def both_ways(stack: xr.Dataset) -> dict[str, xr.Dataset]:
    """As recipes with `sharpness = "own"` and `"common"` have it."""
    return {"own": stack, "common": match_sharpness(stack, sensors=SENSORS)}


def edges(seed: int) -> dict[tuple[str, str, str], np.ndarray]:
    """Sentinel-2's less Landsat's NDVI at one moment, by errors of place, sharpness and place."""
    moment, rng = Moment.of(seed), np.random.default_rng(seed)
    drawn = {sensor: rng.normal(0, scenes._GEOLOCATION_M[sensor], 2) / FINE_M for sensor in SENSORS}
    told = {}
    for name, times in PLACES_M.items():
        stack = moment.seen(moment.fine, {sensor: times * shift for sensor, shift in drawn.items()})
        for way, cube in both_ways(stack).items():
            apart = -np.diff(ndvi(cube), axis=0)[0]
            for where, mask in (("edge", moment.edge), ("inside", moment.inside)):
                told[name, way, where] = inner(apart)[inner(mask)]
    return told


def inner(values: np.ndarray) -> np.ndarray:
    """Without the rim, where Landsat's pixels are cut."""
    return values[4:-4, 4:-4]


def composites(seed: int) -> dict[tuple[str, str], np.ndarray]:
    """Sentinel-2's less Landsat's NDVI in composites of three summers without errors of place."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "sample"
        write_landscape(folder, seed, 0.0, SIZE_KM, YEARS)
        area = shapely.geometry.shape(json.loads((folder / "area.geojson").read_text())["features"][0]["geometry"])
        found = scenes_of(folder / "catalog.json")
        stack = clear(read_stack(found, run_grid(found, area), BANDS))
        edge, inside = stable_forest(folder)
    told = {}
    for way, cube in both_ways(stack).items():
        apart = sensors_apart(cube)
        # what whole composites differ by is no matter of edges
        level = np.nanmedian(np.where(inside, apart, np.nan), axis=(1, 2), keepdims=True)
        for where, mask in (("edge", edge), ("inside", inside)):
            for name, values in (("", apart), (", level taken off", apart - level)):
                told[way, where + name] = values[:, mask][np.isfinite(values[:, mask])]
    return told


def clearings(seed: int) -> dict[tuple[str, str, int], tuple[float, float, float, float]]:
    """By sensor, sharpness and side in metres: contrast kept, and true, called and rightly called pixels' area."""
    moment, rng = Moment.of(seed), np.random.default_rng(seed)
    told = {}
    rows, cols = np.nonzero(ndimage.binary_erosion(moment.inside, np.ones((3, 3)), iterations=3))
    still = {sensor: np.zeros(2) for sensor in SENSORS}
    whole = {way: ndvi(cube) for way, cube in both_ways(moment.seen(moment.fine, still)).items()}
    for side in SIDES_M:
        fine, cut = moment.fine.copy(), np.zeros(moment.fine.shape[1:], dtype=bool)
        taken = np.zeros(moment.inside.shape, dtype=bool)
        for k in rng.permutation(len(rows))[:4000]:
            row, col = rows[k], cols[k]
            if taken[max(row - 8, 0) : row + 9, max(col - 8, 0) : col + 9].any() or taken.sum() >= 150:
                continue
            taken[row, col] = True
            down, right = 6 + 2 * row + rng.integers(0, 3), 6 + 2 * col + rng.integers(0, 3)  # at any place of a pixel
            cut[down : down + side // FINE_M, right : right + side // FINE_M] = True
        fine[SEEN["red"]][cut] = 0.12
        fine[SEEN["nir08"]][cut] = 0.12 * (1 + GAP_NDVI) / (1 - GAP_NDVI)
        share = block_mean(cut.astype(np.float32)[6:-6, 6:-6], 2)
        for way, cube in both_ways(moment.seen(fine, still)).items():
            for sensor, look, before in zip(SENSORS, ndvi(cube), whole[way], strict=True):
                fallen = (before - look) / (before - GAP_NDVI)
                deepest = [fallen[r - 1 : r + 6, c - 1 : c + 6].max() for r, c in np.argwhere(taken)]
                called, true = inner(fallen > 0.5), inner(share >= 0.5)
                told[sensor, way, side] = (
                    float(np.mean(deepest)),
                    float(true.sum()),
                    float(called.sum()),
                    float((called & true).sum()),
                )
    return told


def tell(seeds: list[int]) -> list[str]:
    """All tables."""
    still, years, gaps = defaultdict(list), defaultdict(list), defaultdict(list)
    with ProcessPoolExecutor(2) as pool:
        for found, into in ((pool.map(edges, seeds), still), (pool.map(clearings, seeds), gaps)):
            for one in found:
                for key, values in one.items():
                    into[key].append(values)
        for one in pool.map(composites, seeds):
            for case, values in one.items():
                years[case].append(values)
    lines = [
        "## One moment of summer",
        "",
        "No sky, no noise, one sensor's bands: what pixels, point spread, resampling and errors of place do.",
        "",
        f"| errors of place | sharpness | where | pixels {HEADER}",
        "|---|---|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(key)} | {described(np.concatenate(parts))} |" for key, parts in still.items()),
        "",
        "## Composites of three summers",
        "",
        "No errors of place. Dates, skies, noise and what atmospheric correction leaves differ as well; `level taken",
        "off` has by how much a composite's forest differs as a whole (its median inside) taken off.",
        "",
        f"| sharpness | where | pixels {HEADER}",
        "|---|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(key)} | {described(np.concatenate(parts))} |" for key, parts in years.items()),
        "",
        "## Clearings",
        "",
        f"Squares in the forest of that moment, at any place of a pixel, NDVI {GAP_NDVI:g}. `contrast` is how far NDVI",
        "falls in the pixel where it falls farthest, of how far it would in a pixel of nothing else; F1 is of pixels",
        "that fall by more than half of it, against pixels at least half of which were cut.",
        "",
        "| sensor | side, m | contrast, own | common | F1, own | common |",
        "|---|---|---|---|---|---|",
    ]
    for sensor in SENSORS:
        for side in SIDES_M:
            sums = {way: np.sum(gaps[sensor, way, side], axis=0) for way in ("own", "common")}
            kept = [f"{sums[way][0] / len(seeds):.2f}" for way in sums]
            right = [f"{2 * sums[way][3] / (sums[way][1] + sums[way][2]):.2f}" for way in sums]
            lines.append(f"| {sensor} | {side} | {' | '.join(kept)} | {' | '.join(right)} |")
    return lines


def main() -> None:
    """Measure, print and write down."""
    seeds = [int(each) for each in sys.argv[1:]] or list(range(100, 110))
    lines = [
        "# Looks as sharp as the coarsest",
        "",
        f"Made by `python -m benchmarks.sharpness`: seeds {seeds[0]} to {seeds[-1]}, windows of {SIZE_KM:g} km.",
        "Sentinel-2's less Landsat's NDVI at pixels of stable forest: `edge` beside what is no forest, `inside` two",
        "pixels or more from it.",
        "",
        *tell(seeds),
        "",
    ]
    text = "\n".join(lines)
    print(text)
    if not sys.argv[1:]:
        (RESULTS / "sharpness.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
