"""Windows of remote files: the right pixels on their own grid, once, whole, and what cannot be had by its name."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rasterio.windows
from odc.geo.geobox import GeoBox

from habitat.errors import FetchError, StoreError
from habitat.grids import grid_over
from habitat.sensors import SENTINEL2
from habitat.tiles import crew, pieces
from habitat.tiles.downloads import Download
from habitat.tiles.fetching import Fetched, Missing, fetch_layer, fetch_scenes
from habitat.tiles.remote import Remote
from habitat.tiles.scenes import Asset, OffsetClaims, Scene
from tiles.server import Faults, Request, TileServer, first

ROOT = Path(__file__).resolve().parents[2]
SHAPE = (1000, 1200)
TRANSFORM = rasterio.Affine(10, 0, 500_000, 0, -10, 4_800_000)
AREA = grid_over((503_010, 4_795_030, 504_010, 4_796_030), "EPSG:32652", 20)
"""A square kilometre in the middle of the file."""
WIDER = grid_over((502_010, 4_794_030, 505_010, 4_797_030), "EPSG:32652", 20)


def pixels(seed: int = 0, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 4000, shape).astype("uint16")


def put(web: TileServer, name: str = "red.tif", values: np.ndarray | None = None, **options: Any) -> np.ndarray:
    """Write a file where the server finds it; return its pixels."""
    values = pixels(int(hashlib.md5(name.encode()).hexdigest()[:6], 16)) if values is None else values
    values = values[None] if values.ndim == 2 else values
    profile = {"driver": "GTiff", "count": len(values), "dtype": values.dtype, "nodata": 0, "crs": "EPSG:32652"}
    profile |= {"height": values.shape[1], "width": values.shape[2], "transform": TRANSFORM, "compress": "deflate"}
    profile |= {"tiled": True, "blockxsize": 128, "blockysize": 128}
    path = web.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **profile | options) as file:
        file.write(values)
    return values[0]


def scene(name: str = "S2A_52TEN_20200701", **bands: Any) -> Scene:
    assets = {band: one if isinstance(one, Asset) else Asset(one, 1e-4, -0.1) for band, one in bands.items()}
    when = datetime(2020, 7, 1, tzinfo=UTC)
    quality = assets.pop("quality", None)
    return Scene(name, SENTINEL2, when, 5.0, None, assets, quality, "sentinel-2a", "l2a", claims=OffsetClaims((5, 9)))


class Window(NamedTuple):
    values: np.ndarray
    row: int
    col: int
    profile: Mapping[str, Any]


def read(path: str | Path) -> Window:
    with rasterio.open(path) as file:
        assert file.driver == "GTiff"
        col, row = ~TRANSFORM @ (file.transform.c, file.transform.f)
        return Window(file.read(1), round(row), round(col), dict(file.profile))


def is_part_of(window: Window, truth: np.ndarray) -> bool:
    height, width = window.values.shape
    return np.array_equal(window.values, truth[window.row : window.row + height, window.col : window.col + width])


@pytest.fixture
def remote(web: TileServer) -> Remote:
    web.stall_s = 0.5
    return Remote(home=web.address, sleep=lambda seconds: None, timeout_s=(2, 0.25))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def bytes_of(requests: list[Request]) -> int:
    return sum((request.stop or 0) - (request.start or 0) for request in requests)


# -- windows --------------------------------------------------------------------------------------------


def test_a_window_keeps_numbers_type_nodata_and_grid(web: TileServer, remote: Remote, kept: Path) -> None:
    truth, scl = put(web), put(web, "scl.tif", pixels(5, (500, 600)).astype("uint8") % 12)
    given = scene(red=web.href("red.tif"), quality=Asset(web.href("scl.tif"), nodata=0))
    found = fetch_scenes([given], AREA, kept, bands=["red"], remote=remote)
    (one,) = found.scenes
    red = one.bands["red"]
    assert Path(red.href) == kept / "l2a" / given.id / "red.tif"
    window = read(red.href)
    assert is_part_of(window, truth)
    left, top = 500_000 + window.col * 10, 4_800_000 - window.row * 10
    assert window.profile["transform"] == rasterio.Affine(10, 0, left, 0, -10, top)
    assert (window.profile["dtype"], window.profile["nodata"], window.profile["crs"]) == ("uint16", 0, "EPSG:32652")
    height, width = window.values.shape
    assert left <= 503_010 - 120 < 504_010 + 120 <= left + 10 * width < 504_010 + 200
    assert top - 10 * height <= 4_795_030 - 120 < 4_796_030 + 120 <= top < 4_796_030 + 200
    assert one.quality is not None
    assert read(one.quality.href).profile["dtype"] == "uint8"
    assert np.array_equal(
        read(one.quality.href).values, scl[window.row : window.row + height][:, window.col :][:, :width]
    )


def test_a_scene_is_the_same_but_for_where_its_files_are(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    given = scene(red=Asset(web.href("red.tif"), 1e-4, -0.1, 7, 999, "12209"), blue=web.href("blue.tif"))
    (one,) = fetch_scenes([given], AREA, kept, bands=["red"], remote=remote).scenes
    red, path = one.bands["red"], kept / "l2a" / given.id / "red.tif"
    assert (one.id, one.time, one.claims, one.platform, one.quality) == (
        given.id,
        given.time,
        given.claims,
        "sentinel-2a",
        None,
    )
    assert set(one.bands) == {"red"}  # blue, that nobody asked for, is still on the web
    assert (red.scale, red.offset, red.nodata) == (1e-4, -0.1, 7)
    assert red.size == path.stat().st_size
    assert red.checksum == "1220" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert red.grid == GeoBox.from_rio(rasterio.open(path))


def test_only_the_blocks_of_the_window_are_asked_for(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    found = fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote)
    size = (web.folder / "red.tif").stat().st_size
    with rasterio.open(web.folder / "red.tif") as file:
        touched = {
            (row, col): int(file.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1))
            for row in range(3, 5) for col in range(2, 4)
        }  # fmt: skip
    asked = bytes_of(web.asked())
    assert asked == found.bytes_read
    assert asked <= sum(touched.values()) + 2 * 2**14 + 3 * 2**15 < size / 8


@pytest.mark.parametrize(
    "options",
    [
        {"tiled": False, "blockxsize": None, "blockysize": 16},
        {"tiled": False, "blockxsize": None, "blockysize": 1},
        {"compress": "lzw", "predictor": 2},
        {"compress": "zstd"},
        {"compress": None},
        {"BIGTIFF": "YES", "compress": "lerc"},
        {"driver": "COG", "blocksize": 128, "tiled": None, "blockxsize": None, "blockysize": None},
        {"SPARSE_OK": "TRUE"},
        {"ENDIANNESS": "BIG"},
        {"ENDIANNESS": "BIG", "BIGTIFF": "YES", "compress": "packbits"},
        {"blockxsize": 256, "blockysize": 64, "NUM_THREADS": 2},
    ],
)
def test_every_layout_of_a_tiff_gives_the_same_pixels(
    web: TileServer, remote: Remote, kept: Path, options: dict[str, Any]
) -> None:
    values = pixels(3)
    if "SPARSE_OK" in options:
        values[300:500, 250:400] = 0
    put(web, values=values, **options)
    (one,) = fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote).scenes
    assert is_part_of(read(one.bands["red"].href), values)
    assert bytes_of(web.asked()) < (web.folder / "red.tif").stat().st_size


@pytest.mark.parametrize("interleave", ["band", "pixel"])
def test_all_bands_of_a_file_come(web: TileServer, remote: Remote, kept: Path, interleave: str) -> None:
    values = np.random.default_rng(4).normal(0, 1, (3, *SHAPE)).astype("float32")
    put(web, "map.tif", values, interleave=interleave, predictor=3, nodata=-1)
    with rasterio.open(web.folder / "map.tif", "r+") as file:
        file.descriptions = ("mean", "low", "high")
    (path,) = fetch_layer([("map", Asset(web.href("map.tif")))], AREA, kept, remote=remote)
    with rasterio.open(path) as file:
        window = read(path)
        height, width = window.values.shape
        assert np.array_equal(file.read(), values[:, window.row : window.row + height, window.col : window.col + width])
        assert (file.descriptions, file.nodata) == (("mean", "low", "high"), -1)
    assert bytes_of(web.asked()) < (web.folder / "map.tif").stat().st_size / 3


WHOLE = grid_over((500_000, 4_790_000, 512_000, 4_800_000), "EPSG:32652", 20)


@pytest.mark.parametrize("area", [AREA, WHOLE])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"TLM": "YES", "PLT": "YES", "PROGRESSION": "RPCL", "RESOLUTIONS": 3},
        {"GMLJP2": "YES", "GeoJP2": "NO", "SOP": "YES", "EPH": "YES"},
        {"BLOCKXSIZE": 200, "BLOCKYSIZE": 300},
    ],
)
def test_jpeg_2000_is_read_tile_by_tile(
    web: TileServer, remote: Remote, kept: Path, area: GeoBox, options: dict[str, Any]
) -> None:
    truth = put(web)
    given = {"QUALITY": "100", "REVERSIBLE": "YES", "BLOCKXSIZE": 256, "BLOCKYSIZE": 256} | options
    rasterio.shutil.copy(web.folder / "red.tif", web.folder / "red.jp2", driver="JP2OpenJPEG", **given)
    (one,) = fetch_scenes([scene(red=web.href("red.jp2"))], area, kept, bands=["red"], remote=remote).scenes
    window = read(one.bands["red"].href)
    assert is_part_of(window, truth)
    size, asked = (web.folder / "red.jp2").stat().st_size, bytes_of(web.asked())
    if area is AREA:
        assert 124 <= min(window.values.shape) <= max(window.values.shape) <= 127
        assert asked < size  # though each of its twenty tiles has a header, and over plain http all is asked for twice
    else:
        assert window.values.shape == SHAPE


def test_a_grid_in_another_zone_finds_its_window(web: TileServer, remote: Remote, kept: Path) -> None:
    truth = put(web)
    other = AREA.to_crs("EPSG:32653")
    (one,) = fetch_scenes([scene(red=web.href("red.tif"))], other, kept, bands=["red"], remote=remote).scenes
    window = read(one.bands["red"].href)
    assert is_part_of(window, truth)
    west, south, east, north = AREA.boundingbox
    left, top = 500_000 + window.col * 10, 4_800_000 - window.row * 10
    assert left <= west - 100
    assert top >= north + 100
    assert left + 10 * window.values.shape[1] >= east + 100
    assert top - 10 * window.values.shape[0] <= south - 100


def test_a_file_that_does_not_touch_the_area_is_named(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    far = grid_over((603_000, 4_795_000, 604_000, 4_796_000), "EPSG:32652", 20)
    given = scene(red=web.href("red.tif"))
    for again in range(2):
        found = fetch_scenes([given], far, kept, bands=["red"], remote=remote)
        assert (found.scenes, found.missing) == ((), ())
        assert found.outside == {given.id: "red does not touch the area"}
        assert bool(web.asked()) is not again  # and it is not asked for again
        web.forget()


def test_files_that_are_here_stay_where_they_are(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    given = scene(red=str(web.folder / "red.tif"))
    (one,) = fetch_scenes([given], AREA, kept, bands=["red"], remote=remote).scenes
    assert one == given
    assert not web.asked()


def test_names_from_the_web_lead_to_no_other_folder(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    names = ["../../evil", "..", "a/b", "a_b", ".hidden", "x" * 300]
    found = fetch_scenes([scene(n, red=web.href("red.tif")) for n in names], AREA, kept, bands=["red"], remote=remote)
    paths = [Path(each.bands["red"].href) for each in found.scenes]
    assert len(set(paths)) == len(names)
    assert all(path.resolve().is_relative_to(kept / "l2a") and len(path.parent.name) < 120 for path in paths)


# -- once -----------------------------------------------------------------------------------------------


def test_what_is_here_is_not_asked_for_again(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    given = [scene(red=web.href("red.tif"))]
    before = fetch_scenes(given, AREA, kept, bands=["red"], remote=remote)
    web.forget()
    smaller = grid_over((503_210, 4_795_230, 503_810, 4_795_830), "EPSG:32652", 20)
    for area in (AREA, smaller):
        after = fetch_scenes(given, area, kept, bands=["red"], remote=remote)
        assert (after.scenes, after.bytes_read) == (before.scenes, 0)
    assert not web.asked()
    assert not list(kept.rglob("*.part"))


@pytest.mark.parametrize("said", [{"size": 1}, {"checksum": "1220" + "00" * 32}])
def test_a_file_of_which_its_item_says_something_new_is_fetched_again(
    web: TileServer, remote: Remote, kept: Path, said: dict[str, Any]
) -> None:
    put(web, values=pixels(1))
    fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote)
    new = put(web, values=pixels(2))
    replaced = scene(red=Asset(web.href("red.tif"), 1e-4, -0.1, **said))
    (one,) = fetch_scenes([replaced], AREA, kept, bands=["red"], remote=remote).scenes
    assert is_part_of(read(one.bands["red"].href), new)


@pytest.mark.parametrize("spoil", ["cut", "flip", "gone", "record", "half a record"])
def test_what_was_spoiled_here_is_fetched_again(web: TileServer, remote: Remote, kept: Path, spoil: str) -> None:
    truth = put(web)
    given = [scene(red=web.href("red.tif"))]
    (one,) = fetch_scenes(given, AREA, kept, bands=["red"], remote=remote).scenes
    path = Path(one.bands["red"].href)
    good, record = path.read_bytes(), path.with_suffix(".json")
    web.forget()
    if spoil == "cut":
        path.write_bytes(good[: len(good) // 2])
    elif spoil == "flip":
        path.write_bytes(good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
    elif spoil == "gone":
        path.unlink()
    elif spoil == "record":
        record.unlink()
    else:
        record.write_text(record.read_text()[:50])
    (one,) = fetch_scenes(given, AREA, kept, bands=["red"], remote=remote).scenes
    assert web.asked()
    assert is_part_of(read(path), truth)
    assert one.bands["red"].size == path.stat().st_size


def test_a_wider_area_fetches_what_does_not_cover_it(web: TileServer, remote: Remote, kept: Path) -> None:
    red = put(web)
    given = [scene(red=web.href("red.tif"))]
    fetch_scenes(given, AREA, kept, bands=["red"], remote=remote)
    (one,) = fetch_scenes(given, WIDER, kept, bands=["red"], remote=remote).scenes
    window = read(one.bands["red"].href)
    assert is_part_of(window, red)
    assert min(window.values.shape) >= 320


def test_another_file_of_the_same_name_is_fetched(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    new = put(web, "new.tif")
    fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote)
    (one,) = fetch_scenes([scene(red=web.href("new.tif"))], AREA, kept, bands=["red"], remote=remote).scenes
    assert is_part_of(read(one.bands["red"].href), new)


PROGRAM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from test_fetching import SHAPE, grid_over, scene
from habitat.tiles.fetching import fetch_scenes
from habitat.tiles.remote import Remote
from habitat.tiles import downloads, ranges
ranges.PIECE = downloads.PIECE = 2**17
area = grid_over((500_000, 4_790_000, 512_000, 4_800_000), "EPSG:32652", 20)
bands = {name: f"{sys.argv[1]}/{name}.tif" for name in ("red", "blue")}
found = fetch_scenes([scene(**bands)], area, Path(sys.argv[2]), bands=list(bands), remote=Remote(home=sys.argv[1]),
                     workers=4)
print(len(found.scenes))
"""


def test_after_a_kill_no_completed_piece_is_asked_for_again(web: TileServer, kept: Path) -> None:
    truth = {name: put(web, f"{name}.tif") for name in ("red", "blue")}

    def slowly(request: Request) -> None:
        time.sleep(0.02)

    web.fault = slowly
    tests = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "tests" / "tiles"), str(ROOT)])
    command = [sys.executable, "-c", PROGRAM, web.address, str(kept)]
    whole = Counter[tuple[str, int, int]]()
    for life in range(4):
        web.forget()
        here = {
            (path.parent.name.removesuffix(".part"), *map(int, path.name.split("-")[:2]))
            for path in kept.rglob("*.part/0*-*-*")
        }
        with subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": tests}, stdout=subprocess.PIPE, text=True
        ) as child:
            if life < 3:
                until = time.monotonic() + 30
                while len(web.asked()) < 8 and time.monotonic() < until and child.poll() is None:
                    time.sleep(0.005)
                child.send_signal(signal.SIGKILL)
            else:
                assert child.communicate(timeout=60)[0].strip() == "1"
        for request in web.asked():
            assert request.start is not None
            assert request.stop is not None
            name = request.path.strip("/")
            assert not [
                piece for piece in here if piece[0] == name and piece[1] < request.stop and request.start < piece[2]
            ]
        whole.update(here)
        assert life == 0 or here
    assert len(whole) > 10
    for name, values in truth.items():
        path = kept / "l2a" / scene().id / f"{name}.tif"
        assert is_part_of(read(path), values)
        assert read(path).values.shape == SHAPE


def test_a_piece_that_was_spoiled_on_disk_is_not_believed(
    web: TileServer, remote: Remote, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("downloads", "ranges"):
        monkeypatch.setattr(f"habitat.tiles.{module}.PIECE", 2**15)
    truth = put(web)
    job = Download(remote, Asset(web.href("red.tif")), kept / "red.tif", AREA)
    job.look()
    for span in job.ranges:
        job.take(*span)
    found = sorted((kept / "red.tif.part").glob("0*"))
    assert len(found) > 2
    found[1].write_bytes(bytes(found[1].stat().st_size))
    found[2].write_bytes(found[2].read_bytes()[:-1])
    web.forget()
    again = Download(remote, Asset(web.href("red.tif")), kept / "red.tif", AREA)
    again.look()
    for span in again.ranges:
        again.take(*span)
    again.finish()
    assert {(request.start, request.stop) for request in web.asked()} == {
        tuple(map(int, path.name.split("-")[:2])) for path in found[1:3]
    }
    assert is_part_of(read(kept / "red.tif"), truth)


# -- what goes wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["deflate", "lzw", None])
@pytest.mark.parametrize("kind", ["garbled", "flipped"])
def test_bytes_that_are_wrong_but_right_in_number_do_not_become_pixels(
    web: TileServer, remote: Remote, kept: Path, codec: str | None, kind: str
) -> None:
    truth = put(web, compress=codec)
    web.fault = Faults(0.3, seed=1, kinds=[kind])
    given = [scene(f"S{n}", red=web.href("red.tif")) for n in range(5)]
    found = fetch_scenes(given, AREA, kept, bands=["red"], remote=remote, on_missing="report")
    assert any(request.fault for request in web.requests)
    assert len(found.scenes) >= 4
    assert all(is_part_of(read(each.bands["red"].href), truth) for each in found.scenes)


def test_a_file_that_changes_in_the_middle_is_begun_anew(
    web: TileServer, remote: Remote, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("downloads", "ranges"):
        monkeypatch.setattr(f"habitat.tiles.{module}.PIECE", 2**15)
    put(web, values=pixels(1))
    job = Download(remote, Asset(web.href("red.tif")), kept / "l2a" / scene().id / "red.tif", AREA)
    job.look()
    job.take(*job.ranges[0])  # ... and killed
    new = put(web, values=pixels(2))
    found = fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote)
    assert is_part_of(read(found.scenes[0].bands["red"].href), new)


def test_a_file_that_became_shorter_is_begun_anew(
    web: TileServer, remote: Remote, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("downloads", "ranges"):
        monkeypatch.setattr(f"habitat.tiles.{module}.PIECE", 2**15)
    put(web, values=pixels(1))
    job = Download(remote, Asset(web.href("red.tif")), kept / "l2a" / scene().id / "red.tif", AREA)
    job.look()
    job.take(*job.ranges[0])  # ... and killed
    new = put(web, values=np.zeros_like(pixels(1)) + 7)
    assert (web.folder / "red.tif").stat().st_size < job.ranges[-1][0]
    found = fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote)
    assert is_part_of(read(found.scenes[0].bands["red"].href), new)


def test_what_cannot_be_had_is_an_error_by_default(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    given = [scene("GOOD", red=web.href("red.tif")), scene("BAD", red=f"{web.address}/none.tif?sig=HUSH")]
    with pytest.raises(FetchError) as caught:
        fetch_scenes(given, AREA, kept, bands=["red"], remote=remote)
    assert str(caught.value) == (
        f"BAD red ({web.address}/none.tif): there is no such file (404); look whether it is there, in a browser"
    )


def test_or_its_scene_is_left_out_and_named(web: TileServer, remote: Remote, kept: Path) -> None:
    truth = put(web)
    web.fault = first(10**6, "503", where="blue")
    given = [
        scene("GOOD", red=web.href("red.tif")),
        scene("GONE", red=web.href("red.tif"), green=web.href("green.tif")),
        scene("TIRED", red=web.href("red.tif"), blue=web.href("blue.tif")),
    ]
    put(web, "blue.tif")
    found = fetch_scenes(given, AREA, kept, bands=["red", "green", "blue"], remote=remote, on_missing="report")
    assert [each.id for each in found.scenes] == ["GOOD"]
    assert found.missing == (
        Missing("GONE", "green", "there is no such file (404)"),
        Missing("TIRED", "blue", "the server is in trouble (503), at the last of 5 tries"),
    )
    assert is_part_of(read(found.scenes[0].bands["red"].href), truth)
    web.fault = lambda request: None
    put(web, "green.tif")
    web.forget()
    found = fetch_scenes(given, AREA, kept, bands=["red", "green", "blue"], remote=remote)
    assert len(found.scenes) == 3
    assert "GOOD" not in {request.path for request in web.asked()}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"crs": None}, "carries no reference system"),
        ({"driver": "PNG", "tiled": None, "blockxsize": None, "blockysize": None}, "is no GeoTIFF"),
    ],
)
def test_what_is_no_georeferenced_tiff_is_said_to_be_none(
    web: TileServer, remote: Remote, kept: Path, options: dict[str, Any], why: str
) -> None:
    put(web, **options)
    with pytest.raises(FetchError, match=why) as caught:
        fetch_scenes([scene("ODD", red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote)
    assert str(caught.value).startswith(f"ODD red ({web.address}/red.tif): ")


def test_a_header_that_claims_a_giant_is_refused(web: TileServer, remote: Remote, kept: Path) -> None:
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint16", "height": 10**6, "width": 10**6, "nodata": 0}
    profile |= {"tiled": True, "blockxsize": 4096, "blockysize": 4096, "SPARSE_OK": "TRUE", "BIGTIFF": "YES"}
    with rasterio.open(web.folder / "red.tif", "w", **profile, crs="EPSG:32652", transform=TRANSFORM):
        pass
    with pytest.raises(FetchError, match="1000000 x 1000000 pixels"):
        fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote)


def test_a_virtual_raster_reads_no_file_of_this_machine(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web, "secret.tif")
    rasterio.shutil.copy(web.folder / "secret.tif", web.folder / "red.tif", driver="VRT")
    with pytest.raises(FetchError, match="is no GeoTIFF"):
        fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote)


def test_a_file_shorter_than_its_header_says_is_refused(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    path = web.folder / "red.tif"
    path.write_bytes(path.read_bytes()[:900_000])
    with pytest.raises(FetchError, match="shorter than its header says"):
        fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote)


@pytest.mark.parametrize(("code", "kind"), [("1220", "sha256"), ("1114", "sha1"), ("d50110", "md5")])
def test_a_whole_file_is_compared_with_its_checksum(
    web: TileServer, remote: Remote, kept: Path, code: str, kind: str
) -> None:
    truth = put(web)
    data = (web.folder / "red.tif").read_bytes()
    good = Asset(web.href("red.tif"), size=len(data), checksum=code + hashlib.new(kind, data).hexdigest())
    (one,) = fetch_scenes([scene(red=good)], WHOLE, kept, bands=["red"], remote=remote).scenes
    assert is_part_of(read(one.bands["red"].href), truth)
    bad = Asset(web.href("red.tif"), size=len(data), checksum=code + hashlib.new(kind, data[1:]).hexdigest())
    with pytest.raises(FetchError, match="do not match"):
        fetch_scenes([scene("OTHER", red=bad)], WHOLE, kept, bands=["red"], remote=remote)
    assert not (kept / "l2a" / "OTHER" / "red.tif").exists()


def test_a_server_without_ranges_sends_a_file_once(
    web: TileServer, remote: Remote, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("downloads", "ranges"):
        monkeypatch.setattr(f"habitat.tiles.{module}.PIECE", 2**15)
    truth = put(web)
    web.fault = first(10**6, "no_range")
    (one,) = fetch_scenes([scene(red=web.href("red.tif"))], WIDER, kept, bands=["red"], remote=remote, workers=1).scenes
    assert is_part_of(read(one.bands["red"].href), truth)
    assert len([request for request in web.asked() if request.start is None]) == 1
    assert len(web.asked()) < (web.folder / "red.tif").stat().st_size / 2**15


def test_a_window_far_inside_a_file_comes_from_a_server_without_ranges(
    web: TileServer, remote: Remote, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("habitat.tiles.answers._SKIPPED", 2**14)
    truth = put(web)
    web.fault = first(10**6, "no_range")
    (one,) = fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote, workers=2).scenes
    assert is_part_of(read(one.bands["red"].href), truth)


# -- disk -----------------------------------------------------------------------------------------------


def test_the_disk_is_asked_before_the_web(
    web: TileServer, remote: Remote, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(web)
    usage = shutil.disk_usage("/")._replace(free=50_000_000)
    monkeypatch.setattr(crew.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StoreError, match=r"\d+ MB are needed and 50 MB are free") as caught:
        fetch_scenes([scene(red=web.href("red.tif"))], AREA, kept, bands=["red"], remote=remote, on_missing="report")
    assert caught.value.where == kept
    assert {request.stop for request in web.asked()} == {2**14, 2**14 + 1}  # the header only


@pytest.mark.parametrize("when", ["pieces", "raster"])
def test_a_disk_that_fills_is_an_error_and_leaves_nothing_half_done(
    web: TileServer, remote: Remote, kept: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    put(web)
    given = [scene(red=web.href("red.tif"))]
    with monkeypatch.context() as full:
        if when == "pieces":
            write = pieces.Path.write_bytes

            def refuse(path: Path, data: bytes) -> int:
                if len(data) > 2**14:
                    write(path, data[:100])
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return write(path, data)

            full.setattr(pieces.Path, "write_bytes", refuse)
        else:

            def no_room(*args: Any, **options: Any) -> None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            full.setattr("habitat.store.rasters.rasterio.shutil.copy", no_room)
        with pytest.raises(StoreError, match=r"No space left|disk is full"):
            fetch_scenes(given, AREA, kept, bands=["red"], remote=remote, on_missing="report")
    assert not list(kept.rglob("*.tif"))
    assert not [path for path in kept.rglob(".*") if path.is_file()]
    before = bytes_of(web.asked())
    assert len(fetch_scenes(given, AREA, kept, bands=["red"], remote=remote).scenes) == 1
    if when == "raster":
        assert bytes_of(web.asked()) == before  # all pieces were here


# -- progress, interruption, layers ---------------------------------------------------------------------


def test_progress_is_told_in_bytes_up_to_all_of_them(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    told: list[tuple[str, int, int]] = []
    given = [scene(f"S{n}", red=web.href("red.tif")) for n in range(4)]
    fetch_scenes(given, AREA, kept, bands=["red"], remote=remote, progress=lambda *step: told.append(step))
    assert told[:4] == [("headers", n, 4) for n in range(1, 5)]
    assert {stage for stage, _, _ in told[4:]} == {"fetch"}
    (total,) = {total for _, _, total in told[4:]}
    done = [done for _, done, _ in told[4:]]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, total)
    assert total == bytes_of([request for request in web.asked() if request.start])


def test_an_interrupt_keeps_what_has_come(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    given = [scene(f"S{n}", red=web.href("red.tif")) for n in range(20)]

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "fetch" and done > total / 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_scenes(given, AREA, kept, bands=["red"], remote=remote, workers=2, progress=stop)
    before = bytes_of(web.asked())
    assert before < 20 * bytes_of(web.asked()[:2]) + 20 * 2**20
    web.forget()
    assert len(fetch_scenes(given, AREA, kept, bands=["red"], remote=remote).scenes) == 20
    assert not [request for request in web.asked() if request.start == 0]  # headers had come
    done = {path.parent.name for path in kept.rglob("red.tif")}
    assert len(done) == 20


def test_an_interrupt_waits_for_no_second_try(web: TileServer, kept: Path) -> None:
    put(web)
    put(web, "blue.tif")
    web.fault = first(10**6, "503", where="blue")
    given = [scene("S1", red=web.href("red.tif")), scene("S2", red=web.href("blue.tif"))]
    patient = Remote(home=web.address, tries=50)

    def stop(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch_scenes(given, AREA, kept, bands=["red"], remote=patient, workers=2, progress=stop)
    assert time.monotonic() - begun < 60  # fifty tries take twenty minutes
    web.fault = first(0, "503")
    assert len(fetch_scenes(given, AREA, kept, bands=["red"], remote=patient).scenes) == 2


def test_a_layer_s_parts_lie_beside_each_other(web: TileServer, remote: Remote, kept: Path) -> None:
    extent = AREA.geographic_extent.boundingbox
    step = 1 / 3600
    values = np.random.default_rng(9).normal(300, 20, (720, 720)).astype("float32")
    corner = (round(extent.left / step) * step - 0.1, round(extent.top / step) * step + 0.1)
    degrees = {"crs": "EPSG:4326", "dtype": "float32", "nodata": None, "tiled": True}
    put(web, "dem.tif", values, **degrees, transform=rasterio.Affine(step, 0, corner[0], 0, -step, corner[1]))
    put(web, "far.tif", values, **degrees, transform=rasterio.Affine(step, 0, 20, 0, -step, 50))
    parts = [("N43/E129", Asset(web.href("dem.tif"))), ("far", Asset(web.href("far.tif")))]
    (path,) = fetch_layer(parts, AREA, kept, remote=remote)
    with rasterio.open(path) as file:
        left, top = round((file.transform.c - corner[0]) / step), round((corner[1] - file.transform.f) / step)
        window = file.read(1)
        assert (file.crs, file.dtypes[0], file.nodata) == ("EPSG:4326", "float32", None)
        box = file.bounds
    assert np.array_equal(window, values[top : top + window.shape[0], left : left + window.shape[1]])
    assert box.left < extent.left - 0.001
    assert box.right > extent.right + 0.001
    assert box.bottom < extent.bottom - 0.001
    assert box.top > extent.top + 0.001
    web.forget()
    assert fetch_layer(parts, AREA, kept, remote=remote) == [path]
    assert not web.asked()


def test_a_map_of_classes_keeps_its_colours(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web, "map.tif", pixels(1).astype("uint8") % 5)
    with rasterio.open(web.folder / "map.tif", "r+") as file:
        file.write_colormap(1, {1: (10, 20, 30, 255)})
    (path,) = fetch_layer([("map", Asset(web.href("map.tif")))], AREA, kept, remote=remote)
    with rasterio.open(path) as file:
        assert file.colormap(1)[1] == (10, 20, 30, 255)


def test_no_secret_is_written_down(web: TileServer, remote: Remote, kept: Path) -> None:
    put(web)
    found: Fetched = fetch_scenes(
        [scene(red=f"{web.href('red.tif')}?sig=HUSHHUSH")], AREA, kept, bands=["red"], remote=remote
    )
    assert all("sig" in request.query for request in web.asked())
    record = json.loads(Path(found.scenes[0].bands["red"].href).with_suffix(".json").read_text())
    assert record["source"] == web.href("red.tif")
    assert not [path for path in kept.rglob("*") if path.is_file() and b"HUSHHUSH" in path.read_bytes()]


def test_a_fifth_of_all_requests_may_fail(tmp_path: Path) -> None:
    """A small part of `benchmarks/faults.py`."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import faults
    finally:
        sys.path.pop(0)
    study = faults.run_study(tmp_path, reads=120, seed=7)
    assert (study.wrong, study.silent) == (0, 0)
    assert study.right >= 117
    assert study.right + study.named == 120
    assert sum(study.failures.values()) > 100
    assert "| 120 |" in faults.report(study, 7)


@pytest.mark.realdata
def test_real_files_come_as_they_are(realdata: Path, tmp_path: Path) -> None:
    """A window out of the middle of each: real COGs and GeoTIFFs of Sentinel-2 and Landsat, in any codec."""
    folder = realdata / "realdata"
    names = [path for path in sorted(folder.rglob("*.[tT][iI][fF]")) if path.stat().st_size > 10_000][:60]
    checked = 0
    with TileServer(folder) as server:
        remote = Remote(home=server.address, sleep=lambda seconds: None)
        for path in names:
            with rasterio.open(path) as file:
                if file.crs is None or not file.crs.is_projected:
                    continue
                size, box = abs(file.transform.a), file.bounds
                x, y = (box.left + box.right) / 2, (box.bottom + box.top) / 2
                area = grid_over((x - 5 * size, y - 5 * size, x + 5 * size, y + 5 * size), file.crs.to_wkt(), size)
                (kept,) = fetch_layer([(str(path), Asset(server.href(path)))], area, tmp_path, remote=remote)
                with rasterio.open(kept) as own:
                    col, row = (round(each) for each in ~file.transform @ (own.transform.c, own.transform.f))
                    window = rasterio.windows.Window(col, row, own.width, own.height)
                    assert np.array_equal(own.read(), file.read(window=window)), path
                    assert own.transform.almost_equals(file.window_transform(window), 1e-9)
                    assert (own.dtypes, own.nodata, own.crs) == (file.dtypes, file.nodata, file.crs)
                    assert own.width >= 10
            checked += 1
    assert checked > 10
