"""Fetch windows from a server that fails one request in five, and look for a wrong pixel.

    python benchmarks/faults.py [FOLDER] [--reads 10000] [--seed 100]

A web server on loopback (`tests/tiles/server.py`) stands in for the Planetary Computer: files are asked for by that
provider's own addresses through a proxy, with tokens that it hands out and that it sometimes refuses. Every read is one
file: its header, its window, and the GeoTIFF that is written. Each is then compared with the pixels of the source.
Writes `benchmarks/results/faults.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from tiles.server import PASSING, Faults, TileServer  # noqa: E402 - lies in the tests

from habitat.grids import grid_over  # noqa: E402
from habitat.sensors import SENTINEL2  # noqa: E402
from habitat.tiles.fetching import Fetched, fetch_scenes  # noqa: E402
from habitat.tiles.providers import PROVIDERS  # noqa: E402
from habitat.tiles.remote import Remote  # noqa: E402
from habitat.tiles.scenes import Asset, Scene  # noqa: E402

SHARE = 0.2
KINDS = (*PASSING, "flipped", "expired")
HOST = "http://habitat.blob.core.windows.net"
GRID = grid_over((501_000, 4_797_000, 501_900, 4_798_000), "EPSG:32652", 20)
CODECS = ("DEFLATE", "LZW", "ZSTD", "NONE")


@dataclass
class Study:
    """What came of it."""

    reads: int
    right: int = 0
    wrong: int = 0
    named: int = 0
    """Not had, and said so with scene, file and reason."""
    silent: int = 0
    """Not had, and not said so."""
    reasons: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def write_sources(folder: Path) -> dict[str, np.ndarray]:
    """One GeoTIFF a codec, of noise over a gradient; its pixels by its name."""
    truth = {}
    rows, cols = np.mgrid[:500, :600]
    for number, codec in enumerate(CODECS):
        noise = np.random.default_rng(number).integers(0, 400, rows.shape)
        values = (rows * 3 + cols + noise).astype("uint16")
        profile = {"driver": "GTiff", "count": 1, "dtype": "uint16", "height": 500, "width": 600, "nodata": 0}
        profile |= {"crs": "EPSG:32652", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 4_800_000)}
        profile |= {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": codec}
        name = f"{codec.lower()}.tif"
        (folder / "tiles").mkdir(parents=True, exist_ok=True)
        with rasterio.open(folder / "tiles" / name, "w", **profile) as file:
            file.write(values, 1)
        truth[name] = values
    return truth


@contextmanager
def environment(**values: str) -> Any:
    """Environment variables, for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def run_study(folder: Path, *, reads: int, seed: int, workers: int = 16) -> Study:
    """Fetch `reads` files once, and compare what came with what lies on the server."""
    Remote(PROVIDERS["planetary-computer"])  # imports the package, which warns when it is imported, silently
    from planetary_computer.settings import Settings

    site = folder / "site"
    truth = write_sources(site)
    names = list(truth)
    first = datetime(2000, 1, 1, tzinfo=UTC)
    scenes = [
        Scene(
            id=f"S{number:05d}",
            sensor=SENTINEL2,
            time=first + timedelta(hours=number),
            cloud_percent=None,
            geometry=None,
            bands={"red": Asset(f"{HOST}/tiles/{names[number % len(names)]}", 1e-4)},
            quality=None,
        )
        for number in range(reads)
    ]
    study = Study(reads)
    with TileServer(site) as server:
        server.fault, server.retry_after = Faults(SHARE, seed, KINDS), "1"
        server.stall_s, server.token_s = 0.5, 3600
        proxy = {"http_proxy": server.address, "HTTP_PROXY": server.address}
        with environment(PC_SDK_SAS_URL=f"{server.address}/sas", no_proxy="127.0.0.1", NO_PROXY="127.0.0.1", **proxy):
            Settings.get.cache_clear()
            remote = Remote(PROVIDERS["planetary-computer"], sleep=_at_once, timeout_s=(5, 0.4))
            began = time.perf_counter()
            found = fetch_scenes(
                scenes, GRID, folder / "kept", bands=["red"], remote=remote, workers=workers, on_missing="report"
            )
            study.seconds = time.perf_counter() - began
            Settings.get.cache_clear()
        study.requests = len(server.requests)
        study.failures = Counter(request.fault for request in server.requests if request.fault)
    judge(study, scenes, found, truth)
    return study


def _at_once(seconds: float) -> None:
    """Do not wait: a server on loopback does not tire."""


def judge(study: Study, scenes: list[Scene], found: Fetched, truth: dict[str, np.ndarray]) -> None:
    """Compare every file that came with its source, pixel by pixel."""
    sources = {scene.id: Path(scene.bands["red"].href).name for scene in scenes}
    for scene in found.scenes:
        with rasterio.open(scene.bands["red"].href) as file:
            row, col = round((4_800_000 - file.transform.f) / 10), round((file.transform.c - 500_000) / 10)
            expected = truth[sources[scene.id]][row : row + file.height, col : col + file.width]
            covers = file.bounds.left <= 501_000 and file.bounds.right >= 501_900
            covers &= file.bounds.bottom <= 4_797_000 and file.bounds.top >= 4_798_000
            same = covers and file.transform.a == 10 and file.crs == "EPSG:32652" and file.nodata == 0
            right = same and np.array_equal(file.read(1), expected)
        study.right += right
        study.wrong += not right
    study.named = sum(bool(each.reason) and each.scene in sources for each in found.missing)
    study.silent = study.reads - len(found.scenes) - study.named
    study.reasons.update(each.reason for each in found.missing)


def report(study: Study, seed: int) -> str:
    """The page."""
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(study.failures.items()))
    reasons = "".join(f"\n- {count} x {reason}" for reason, count in study.reasons.most_common())
    return f"""# Faults

`python benchmarks/faults.py --reads {study.reads} --seed {seed}`: windows of GeoTIFFs ({", ".join(CODECS)}) fetched
over loopback from a server that fails {SHARE:.0%} of all requests, token requests among them; five tries a request.

| reads | right | wrong pixel | named as missing | lost without a word | requests | failed | seconds |
|---|---|---|---|---|---|---|---|
| {study.reads} | {study.right} ({study.right / study.reads:.2%}) | {study.wrong} | {study.named} | {study.silent} | \
{study.requests} | {sum(study.failures.values()) / study.requests:.1%} | {study.seconds:.0f} |

Failures: {kinds}.

What was said of the missing ones:
{reasons or "nothing is missing"}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--reads", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        study = run_study(asked.folder or Path(scratch), reads=asked.reads, seed=asked.seed)
    text = report(study, asked.seed)
    (ROOT / "benchmarks" / "results" / "faults.md").write_text(text)
    print(text)
    print(json.dumps(vars(study), default=str), file=sys.stderr)
    sys.exit(study.wrong > 0 or study.silent > 0 or study.right < 0.995 * study.reads)


if __name__ == "__main__":
    main()
