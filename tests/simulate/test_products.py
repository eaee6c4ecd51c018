"""Products that the simulator writes: the same again, and in the layout of the real ones."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import rasterio
from rasterio.errors import NotGeoreferencedWarning
from terminal import run

from habitat.simulate import write_sample
from habitat.store import digest_file

YEARS = range(2021, 2023)


def digests(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): digest_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_seed_writes_the_same_products(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_sample(tmp_path / name, size_km=0.6, seed=3, years=YEARS, layout="products")
    one = digests(tmp_path / "one")
    assert one == digests(tmp_path / "two")
    assert not [name for name in one if name.startswith(("scenes/", "catalog"))]


def test_all_but_the_scenes_is_the_same_in_either_layout(tmp_path: Path) -> None:
    write_sample(tmp_path / "catalogue", size_km=0.6, seed=3, years=YEARS)
    write_sample(tmp_path / "products", size_km=0.6, seed=3, years=YEARS, layout="products")
    one, two = digests(tmp_path / "catalogue"), digests(tmp_path / "products")
    scenes = ("scenes/", "products/", "catalog.json")
    assert {n: d for n, d in one.items() if not n.startswith(scenes)} == {
        n: d for n, d in two.items() if not n.startswith(scenes)
    }


def test_every_packing_is_there_and_named_as_real_ones(tmp_path: Path) -> None:
    said = run("sample", tmp_path / "land", "--size-km", "0.6", "--seed", "3", "--layout", "products")
    assert said.status == 0
    assert f"habitat index {tmp_path / 'land'}" in said.err
    home = tmp_path / "land" / "products"
    archive = next(home.glob("S2?_MSIL2A_*_N0509_R003_T52TFN_*.zip"))
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
    assert f"{archive.stem}.SAFE/MTD_MSIL2A.xml" in names
    assert sum("/IMG_DATA/R10m/T52TFN_" in name for name in names) == 3
    assert sum("/IMG_DATA/R20m/T52TFN_" in name for name in names) == 4
    assert next(home.glob("*_N0212_*.SAFE/MTD_MSIL2A.xml")).read_text().count("BOA_ADD_OFFSET") == 0
    assert next(home.glob("*_N0509_*.SAFE/MTD_MSIL2A.xml")).read_text().count(">-1000<") == 13
    assert next(home.glob("LC0?_L2SP_115030_*.tar"))
    assert next(home.glob("LC0?_L2SP_115030_*.tar.gz"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        placed = {rasterio.open(path).crs is not None for path in home.glob("LC0?_*/*_SR_B4.TIF")}
    assert placed == {True, False}
