"""The run's folder: whole files or none, COGs that others can read, and what is out of date."""

from __future__ import annotations

import errno
import functools
import io
import json
import multiprocessing
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.io import MemoryFile

from habitat import grids, store
from habitat.errors import EstimationError, ReadError, StoreError
from habitat.legend import DEFAULT_LEGEND
from habitat.store._atomic import PART, replacing

RNG = np.random.default_rng(0)


def grid_of_size(height: int, width: int) -> GeoBox:
    return grids.grid_over((500_000, 4_800_000, 500_000 + 20 * width, 4_800_000 + 20 * height), "EPSG:32652", 20)


def write_codes(path: Path, height: int = 4, width: int = 6, **options: Any) -> np.ndarray:
    values = RNG.integers(0, 255, (1, height, width), dtype=np.uint8)
    store.write_raster(path, values, grid_of_size(height, width), ["code"], 0, **options)
    return values


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- whole or not at all --------------------------------------------------------------------------------


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "note.txt"
    with replacing(path) as part:
        part.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(path.parent) == ["note.txt"]


@pytest.mark.parametrize("error", [ValueError("ours"), KeyboardInterrupt(), EstimationError("no maximum")])
def test_what_goes_wrong_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "note.txt"
    path.write_text("old")
    with pytest.raises(type(error)), replacing(path) as part:
        part.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["note.txt"]


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("old")
    with pytest.raises(StoreError, match=r"note.txt: the disk is full; free some space"), replacing(path) as part:
        part.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_text() == "old"


def test_a_folder_that_takes_no_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StoreError, match=r"cannot be written \(Permission denied\)"):
        store.write_text(tmp_path / "note.txt", "new")
    assert names(tmp_path) == []


def test_a_file_in_the_way_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "composites").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        write_codes(tmp_path / "composites" / "2019.tif")


def test_a_source_that_cannot_be_read_is_no_fault_of_what_is_written(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="scene.tif"), replacing(tmp_path / "2019.tif"):
        raise ReadError("is truncated", where="scene.tif")


# -- rasters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 6), (256, 256), (257, 300), (700, 600)])
@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", 0), ("int16", -32768), ("uint16", 65535), ("float32", np.nan)])
def test_what_is_written_is_read_again(tmp_path: Path, height: int, width: int, dtype: str, nodata: float) -> None:
    values = (RNG.random((2, height, width)) * 200).astype(dtype)
    place = grid_of_size(height, width)
    store.write_raster(tmp_path / "a.tif", values, place, ["red", "looks"], nodata, resampling="average")
    got, grid = store.read_raster(tmp_path / "a.tif")
    np.testing.assert_array_equal(got, values)
    assert grids.same_grid(grid, place) == place
    assert names(tmp_path) == ["a.tif"]


def test_it_is_a_cog(tmp_path: Path) -> None:
    write_codes(tmp_path / "a.tif", 700, 600, tags={"units": "code"}, colormap=DEFAULT_LEGEND.colormap)
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.compression.name == "deflate"
        assert file.block_shapes == [(256, 256)]
        assert file.overviews(1) == [2, 4]
        assert file.descriptions == ("code",)
        assert file.nodata == 0
        assert file.tags()["units"] == "code"
        assert file.colormap(1)[14] == (63, 163, 77, 255)
        assert file.colormap(1)[0] == (0, 0, 0, 0)


def test_overviews_of_codes_hold_codes_only(tmp_path: Path) -> None:
    values = RNG.choice(np.uint8([11, 22, 70]), (1, 600, 600))
    store.write_raster(tmp_path / "a.tif", values, grid_of_size(600, 600), ["code"], 0)
    with rasterio.open(tmp_path / "a.tif", overview_level=0) as file:
        assert set(np.unique(file.read())) <= {11, 22, 70}


def test_blocks_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    place = grid_of_size(600, 500)
    values = RNG.integers(0, 9000, (2, 600, 500), dtype=np.int16)
    for name, step in (("a.tif", 1), ("b.tif", -1)):
        with store.RasterWriter(tmp_path / name, place, ["red", "looks"], "int16", -32768) as file:
            for block in list(grids.blocks(place, 256))[::step]:
                file.write(values[:, block.rows, block.cols], block)
    assert store.digest_file(tmp_path / "a.tif") == store.digest_file(tmp_path / "b.tif")


def test_a_block_is_read_with_its_own_grid(tmp_path: Path) -> None:
    values = write_codes(tmp_path / "a.tif", 10, 12)
    block = grids.Block(0, slice(2, 5), slice(3, 10))
    got, grid = store.read_raster(tmp_path / "a.tif", block)
    np.testing.assert_array_equal(got, values[:, 2:5, 3:10])
    assert grids.same_grid(grid, grids.crop(grid_of_size(10, 12), block)).shape == (3, 7)


def test_a_block_that_fails_leaves_the_old_raster(tmp_path: Path) -> None:
    values = write_codes(tmp_path / "a.tif")
    with (
        pytest.raises(ReadError, match="scene"),
        store.RasterWriter(tmp_path / "a.tif", grid_of_size(4, 6), ["code"], "uint8", 0),
    ):
        raise ReadError("is truncated", where="scene")
    np.testing.assert_array_equal(store.read_raster(tmp_path / "a.tif")[0], values)
    assert names(tmp_path) == ["a.tif"]


def write_under_limits(path: Path, limits: list[int], answers: Any) -> None:
    import resource

    for limit in limits:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write_noise(path)
            answer = "written"
        except StoreError as error:
            answer = str(error)
        except Exception as error:  # noqa: BLE001 - the parent judges it
            answer = repr(error)
        answers.put((answer, names(path.parent), store.digest_file(path)))


def write_noise(path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 255, (1, 600, 600), dtype=np.uint8)
    store.write_raster(path, values, grid_of_size(600, 600), ["code"], 0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on a file's size to stand for a full disk")
def test_a_disk_that_fills_up_while_a_raster_is_written(tmp_path: Path) -> None:
    """GDAL reports it as this or that, or, at the last bytes, not at all."""
    path = tmp_path / "a.tif"
    write_noise(path)
    known, size = store.digest_file(path), path.stat().st_size
    limits = [size - missing for missing in (1, 5, 3000, 100_000, 450_000)]
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    child = spawn.Process(target=write_under_limits, args=(path, limits, answers))
    child.start()
    for _ in limits:
        answer, left, digest = answers.get(timeout=60)
        assert f"{path}: cannot be written" in answer
        assert (left, digest) == (["a.tif"], known)
    child.join()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_a_truncated_raster_is_a_read_error(tmp_path: Path, share: float) -> None:
    path = tmp_path / "scene.tif"
    write_codes(path, 600, 600)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ReadError, match=r"scene.tif: cannot be read as a raster .*fetch it again"):
        store.read_raster(path)


def test_a_raster_that_is_not_there_is_a_read_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"gone.tif: there is no such file; put it back"):
        store.read_raster(tmp_path / "gone.tif")


@pytest.mark.parametrize("name", ["n" * 300 + ".tif", "a\0b.tif"])
def test_a_name_that_no_file_can_have_is_a_read_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReadError):
        store.read_raster(tmp_path / name)


def test_the_grid_is_that_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    """Another file in its place lies elsewhere, be it as large; one that is gone is a read error."""
    path, values = tmp_path / "a.tif", np.ones((1, 6, 4), np.uint8)
    places = [grid_of_size(6, 4), grid_of_size(6, 4).translate_pix(10, 0)]
    for place in [*places, places[0]]:
        store.write_raster(path, values, place, ["code"], 0)
        for _ in range(2):
            with store.open_on_grid(path) as (file, grid):
                assert grids.same_grid(grid, place) == place
                np.testing.assert_array_equal(file.read(), values)
    path.unlink()
    with pytest.raises(ReadError, match=r"a.tif: there is no such file"), store.open_on_grid(path):
        pass


def test_a_file_in_memory_has_its_grid_too() -> None:
    with MemoryFile() as held:
        place = grid_of_size(6, 4)
        profile = {"driver": "GTiff", "height": 6, "width": 4, "count": 1, "dtype": "uint8", "crs": str(place.crs)}
        with held.open(**profile, transform=place.transform) as file:
            file.write(np.ones((1, 6, 4), np.uint8))
        with store.open_on_grid(held.name) as (_, grid):
            assert grid == place


def test_a_vrt_by_another_name_reads_nothing(tmp_path: Path) -> None:
    write_codes(tmp_path / "secret.tif")
    vrt = """<VRTDataset rasterXSize="6" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>
    <SourceFilename relativeToVRT="1">secret.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"""
    for name in ("scene.tif", "scene.jp2"):
        (tmp_path / name).write_text(vrt)
        with pytest.raises(ReadError, match="cannot be read as a raster"):
            store.read_raster(tmp_path / name)


# -- tables and small files -----------------------------------------------------------------------------


def test_tables_come_back_as_they_were(tmp_path: Path) -> None:
    plain = pd.DataFrame({"year": [2019, 2020], "estimate_ha": [1.5, np.nan]})
    placed = gpd.GeoDataFrame(plain, geometry=gpd.points_from_xy([1, 2], [3, 4]), crs="EPSG:32652")
    for table, name in ((plain, "areas.csv"), (plain, "plain.parquet"), (placed, "cells.parquet")):
        store.write_table(tmp_path / name, table)
        got = store.read_table(tmp_path / name)
        assert type(got) is type(table)
        pd.testing.assert_frame_equal(pd.DataFrame(got), pd.DataFrame(table))
    assert store.read_table(tmp_path / "cells.parquet").crs == "EPSG:32652"
    assert len(store.read_table(str(tmp_path / "areas.csv"))) == 2, "a path may be text"


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    placed = gpd.GeoDataFrame({"cell": ["a"]}, geometry=gpd.points_from_xy([1], [3]), crs="EPSG:32652")
    for name in ("a", "b"):
        store.write_table(tmp_path / f"{name}.parquet", placed)
        store.write_json(tmp_path / f"{name}.json", {"b": 1, "a": "ü"} if name == "a" else {"a": "ü", "b": 1})
    for kind in ("parquet", "json"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_a_table_in_parts_is_the_same_file_however_it_is_cut_and_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.tables, "_GROUP", 8)
    made = pd.DataFrame(
        {"row": np.arange(37), "day": pd.date_range("2020-01-01", periods=37), "name": list("ab" * 18 + "c")}
    )
    for cuts, name in (([], "whole"), ([5, 5, 30], "cut")):
        with store.table_in_parts(tmp_path / f"{name}.parquet") as table:
            for start, stop in pairwise([0, *cuts, 37]):
                table.write(made.iloc[start:stop])
    assert (tmp_path / "cut.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    pd.testing.assert_frame_equal(store.read_table(tmp_path / "cut.parquet"), made, check_dtype=False)
    with pytest.raises(KeyboardInterrupt), store.table_in_parts(tmp_path / "cut.parquet") as table:
        table.write(made)
        raise KeyboardInterrupt
    assert (tmp_path / "cut.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    with store.table_in_parts(tmp_path / "empty.parquet") as table:
        table.write(made.iloc[:0])
    assert list(store.read_table(tmp_path / "empty.parquet").columns) == list(made.columns)
    assert names(tmp_path) == ["cut.parquet", "empty.parquet", "whole.parquet"]


@pytest.mark.parametrize("name", ["cells.parquet", "areas.csv"])
def test_a_damaged_or_missing_table_is_a_read_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReadError, match=f"{name}: cannot be read as a table"):
        store.read_table(tmp_path / name)
    (tmp_path / name).write_bytes(b"\xff\xfe" if name.endswith("csv") else b"PAR1 no")
    with pytest.raises(ReadError, match=f"{name}: cannot be read as a table"):
        store.read_table(tmp_path / name)


# -- models ---------------------------------------------------------------------------------------------


def test_a_model_comes_back_as_it_was_written_and_equal_models_are_equal_files(tmp_path: Path) -> None:
    arrays = {"leaves": np.arange(24, dtype=np.int32).reshape(2, 3, 4), "bias": np.float32([0.5, np.nan])}
    for name in ("one.npz", "two.npz"):
        store.write_model(tmp_path / name, {"codes": [11, 22]}, dict(reversed(arrays.items())))
    header, found = store.read_model(tmp_path / "one.npz")
    assert header["codes"] == [11, 22]
    assert {name: values.dtype for name, values in found.items()} == {n: v.dtype for n, v in arrays.items()}
    assert all(np.array_equal(found[name], arrays[name], equal_nan=True) for name in ("leaves", "bias"))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def hostile(**parts: bytes) -> bytes:
    """An archive with a header of ours and some parts, their names' `_` standing for a dot."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ({"model_json": b'{"format": "habitat model 1"}'} | parts).items():
            archive.writestr(name.replace("_", "."), content)
    return packed.getvalue()


def npy(header: str, content: bytes = b"") -> bytes:
    """An array file with any header."""
    padded = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + content


def garbled() -> bytes:
    """An archive whose compressed bytes were written over."""
    packed = hostile(x_npy=bytes(range(256)) * 20)
    at = packed.index(b"x.npy") + len(b"x.npy")
    return packed[:at] + b"\xff" * 20 + packed[at + 20 :]


HOSTILE = {
    "empty": (b"", "is not a model file"),
    "no archive": (b"not an archive", "is not a model file"),
    "another format": (hostile(model_json=b'{"format": "skops"}'), "is not of the format"),
    "no object": (hostile(model_json=b"[1]"), "is not of the format"),
    "deep": (hostile(model_json=b"[" * 100_000), "is not a model file"),
    "objects": (
        hostile(x_npy=npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"x" * 8)),
        "not of numbers",
    ),
    "text": (hostile(x_npy=npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", b"x" * 4)), "not of numbers"),
    "huge": (
        hostile(x_npy=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,)}")),
        "the size it claims",
    ),
    "negative": (hostile(x_npy=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}")), "is not a model file"),
    "code": (hostile(x_npy=npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': ()}")), "is not a model"),
    "bomb": (hostile(x_npy=bytes(2**28 + 1)), "larger than a model can be"),
    "many": (hostile(**{f"x{n}_npy": b"" for n in range(101)}), "larger than a model can be"),
    "cut": (hostile(x_npy=b"1" * 100)[:-40], "is not a model file"),
    "garbled": (garbled(), "is not a model file"),
    "unended header": (hostile(x_npy=npy("{'descr': ('<f4'")), "is not a model file"),
    "brackets": (hostile(x_npy=npy("(" * 9000)), "is not a model file"),
    "a longer header": (hostile(x_npy=npy("(" * 20_000)), "is not a model file"),
    "unhashable header": (hostile(x_npy=npy("{[]:1}")), "is not a model file"),
    "keys of two kinds": (hostile(x_npy=npy("{'descr':1, 3:2}")), "is not a model file"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_damaged_or_hostile_model_file_is_one_clear_line(tmp_path: Path, case: str) -> None:
    content, said = HOSTILE[case]
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(ReadError, match=said) as caught:
        store.read_model(tmp_path / "model.npz")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert "model.npz" in str(caught.value)


def test_a_missing_model_file_is_a_read_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="is not a model file"):
        store.read_model(tmp_path / "model.npz")


# -- blocks ---------------------------------------------------------------------------------------------


def jobs_that_note(calls: list[str], fail: str = "") -> dict[str, Callable[[], dict[str, np.ndarray]]]:
    def job(name: str) -> dict[str, np.ndarray]:
        calls.append(name)
        if name == fail:
            raise ReadError("is truncated", where="scene.tif")
        return {"code": np.full((2, 2), int(name), np.uint8)}

    return {name: functools.partial(job, name) for name in ("0", "1", "2", "3")}


def test_finished_blocks_are_not_computed_again(tmp_path: Path) -> None:
    calls: list[str] = []
    ticks: list[tuple[int, int]] = []
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(ReadError, match="truncated"):
            store.compute_blocks(tmp_path, jobs_that_note(calls, fail="2"), executor, lambda *_: None)
        first = set(calls)
        calls.clear()
        store.compute_blocks(tmp_path, jobs_that_note(calls), executor, lambda *at: ticks.append(at))
    assert {"0", "1", "2"} <= first
    assert "2" in calls
    assert not {"0", "1"} & set(calls)
    assert ticks[-1] == (4, 4)
    assert [int(store.load_block(tmp_path, name)["code"][0, 0]) for name in "0123"] == [0, 1, 2, 3]


def test_of_a_finished_block_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        job = {"0": lambda: {"code": np.arange(3), "lost": np.ones(3)}}
        store.compute_blocks(tmp_path, job, executor, lambda *_: None)
    assert set(store.load_block(tmp_path, "0")) == {"code", "lost"}
    found = store.load_block(tmp_path, "0", only=["code"])
    assert set(found) == {"code"}
    assert found["code"].tolist() == [0, 1, 2]


# -- the state of a run ---------------------------------------------------------------------------------

IDENTITY = {"area": {"name": "sample", "bbox": (131.0, 42.0, 131.1, 42.1)}, "years": (2016, 2017)}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text("")
    return path


def run_in(tmp_path: Path, recipe: Path, identity: dict[str, Any] = IDENTITY) -> store.Run:
    return store.Run(tmp_path / "run", identity, recipe)


def finish_map(run: store.Run, key: str = "k1", *names: str) -> None:
    run.begin("map", key)
    for name in names or ("forest/2019.tif",):
        store.write_text(run.path(name), name)
    run.finish("map", [run.path(name) for name in names or ("forest/2019.tif",)], 1.234, {"pixels": 4})


def test_a_finished_stage_is_current_for_its_key(tmp_path: Path, recipe: Path) -> None:
    run = run_in(tmp_path, recipe)
    assert not run.is_current("map", "k1")
    finish_map(run)
    assert run.is_current("map", "k1")
    assert not run.is_current("map", "k2")
    assert run_in(tmp_path, recipe).is_current("map", "k1"), "another process sees it"
    record = json.loads(run.path("run.json").read_text())["stages"]["map"]
    assert record["seconds"] == 1.23
    assert record["notes"] == {"pixels": 4}
    assert not run.path(".work").exists()


def test_a_stage_that_was_begun_is_not_current(tmp_path: Path, recipe: Path) -> None:
    run = run_in(tmp_path, recipe)
    finish_map(run)
    run.begin("map", "k1")
    assert not run_in(tmp_path, recipe).is_current("map", "k1")


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("other")])
def test_an_output_that_was_touched_is_out_of_date(
    tmp_path: Path, recipe: Path, damage: Callable[[Path], object]
) -> None:
    run = run_in(tmp_path, recipe)
    finish_map(run)
    damage(run.path("forest/2019.tif"))
    assert not run.is_current("map", "k1")


def test_clocks_decide_nothing(tmp_path: Path, recipe: Path) -> None:
    run = run_in(tmp_path, recipe)
    finish_map(run)
    os.utime(run.path("forest/2019.tif"), (0, 0))
    os.utime(recipe)
    assert run_in(tmp_path, recipe).is_current("map", "k1")


def test_what_is_not_written_again_is_removed(tmp_path: Path, recipe: Path) -> None:
    run = run_in(tmp_path, recipe)
    finish_map(run, "k1", "forest/2019.tif", "forest/2020.tif")
    finish_map(run, "k2", "forest/2020.tif")
    assert names(run.path("forest")) == ["2020.tif"]
    assert set(run.outputs("map")) == {"forest/2020.tif"}


def test_blocks_of_the_same_key_are_kept_and_others_removed(tmp_path: Path, recipe: Path) -> None:
    run = run_in(tmp_path, recipe)
    first = run.begin("map", "a" * 64)
    (first / "0.npz").write_text("done")
    assert (run_in(tmp_path, recipe).begin("map", "a" * 64) / "0.npz").exists()
    second = run_in(tmp_path, recipe).begin("map", "b" * 64)
    assert names(second.parent) == [second.name]


def test_the_folder_takes_one_recipe_only(tmp_path: Path, recipe: Path) -> None:
    run_in(tmp_path, recipe).save()
    with pytest.raises(StoreError, match=r"run of another recipe \(years differ\); choose another"):
        run_in(tmp_path, recipe, {**IDENTITY, "years": (2016,)})
    other = tmp_path / "other.toml"
    other.write_text("")
    with pytest.raises(StoreError, match=r"run of another recipe \(recipe.toml\)"):
        run_in(tmp_path, other)


def test_recipe_and_run_may_move_together(tmp_path: Path, recipe: Path) -> None:
    finish_map(run_in(tmp_path, recipe))
    moved = tmp_path / "moved"
    moved.mkdir()
    recipe.rename(moved / recipe.name)
    (tmp_path / "run").rename(moved / "run")
    assert run_in(moved, moved / recipe.name).is_current("map", "k1")


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, recipe: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.docx").write_text("")
    with pytest.raises(StoreError, match=r"is not empty and holds no run .*choose an empty"):
        run_in(tmp_path, recipe)
    with pytest.raises(StoreError, match="is not empty"):
        store.Run(recipe, IDENTITY, recipe)


def test_a_run_killed_before_its_first_save_can_go_on(tmp_path: Path, recipe: Path) -> None:
    (tmp_path / "run").mkdir()
    for name in (".lock", f".run.json{PART}"):
        (tmp_path / "run" / name).write_text("{")
    finish_map(run_in(tmp_path, recipe))


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', '{"schema": 1, "stages": []}', "\xff"])
def test_a_damaged_state_is_one_line(tmp_path: Path, recipe: Path, text: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(text, encoding="latin-1")
    with pytest.raises(StoreError, match=r"run.json: is not a run's state .*delete the folder"):
        run_in(tmp_path, recipe)


def test_a_state_of_another_version_is_refused(tmp_path: Path, recipe: Path) -> None:
    (tmp_path / "run").mkdir()
    store.write_json(tmp_path / "run" / "run.json", {"schema": 99, "stages": {}})
    with pytest.raises(StoreError, match="another version of habitat"):
        run_in(tmp_path, recipe)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such lock")
def test_one_process_works_in_a_folder_at_a_time(tmp_path: Path, recipe: Path) -> None:
    run = run_in(tmp_path, recipe)
    with run.locked():
        with pytest.raises(StoreError, match="another habitat is working"), run_in(tmp_path, recipe).locked():
            pass
        run.save()
    with run_in(tmp_path, recipe).locked():
        pass


def test_digests_depend_on_content_not_on_order() -> None:
    assert store.digest({"a": 1, "b": [2]}) == store.digest({"b": [2], "a": 1})
    assert store.digest({"a": 1}) != store.digest({"a": 2})


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((10**6, 10**6), {"tiled": True}, "claims 1000000 x 1000000 pixels .*more than habitat opens; cut it"),
        ((20_000, 20_000), {"tiled": True, "blockxsize": 20_000, "blockysize": 20_000}, "in blocks of 20000 x 20000"),
    ],
    ids=["giant", "one block"],
)
def test_a_header_that_would_fill_the_memory_is_not_believed(
    tmp_path: Path, shape: tuple[int, int], options: dict[str, Any], says: str
) -> None:
    path = tmp_path / "claims.tif"
    profile = {"driver": "GTiff", "height": shape[0], "width": shape[1], "count": 1, "dtype": "uint8"}
    transform = grid_of_size(1, 1).transform
    with rasterio.open(path, "w", transform=transform, SPARSE_OK=True, BIGTIFF="YES", **profile, **options):
        pass
    with pytest.raises(ReadError, match=says), store.open_raster(path):
        pass


def test_what_lies_beside_a_file_changes_nothing_about_it(tmp_path: Path) -> None:
    values = write_codes(tmp_path / "codes.tif")
    (tmp_path / "codes.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:4326</SRS><GeoTransform>0, 1, 0, 0, 0, -1</GeoTransform>"
        '<PAMRasterBand band="1"><NoDataValue>7</NoDataValue></PAMRasterBand></PAMDataset>'
    )
    found, grid = store.read_raster(tmp_path / "codes.tif")
    assert (found == values).all()
    assert grid == grid_of_size(4, 6)
    with store.open_raster(tmp_path / "codes.tif") as file:
        assert file.nodata == 0
