"""Products from strangers: each is refused with its reason, harms nothing, and stops no other."""

from __future__ import annotations

import gzip
import io
import shutil
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from habitat.errors import CatalogueError, StoreError
from habitat.tiles.products import decoding, index_products, views
from tiles import downloads
from tiles.downloads import GRANULE, IMAGES, LANDSAT, MTD, SAFE, landsat_product, safe_product, tarred, zipped

GOOD = LANDSAT.replace("20230711", "20230727")
VRT = """<VRTDataset rasterXSize="6" rasterYSize="6"><SRS>EPSG:32652</SRS>
<GeoTransform>600000,10,0,4800000,0,-10</GeoTransform>
<VRTRasterBand dataType="UInt16" band="1">
<SimpleSource><SourceFilename>{}</SourceFilename></SimpleSource>
</VRTRasterBand></VRTDataset>"""


@pytest.fixture(autouse=True)
def _unplaced_on_purpose() -> None:
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one product that nothing is wrong with."""
    landsat_product(tmp_path / "tiles", name=GOOD)
    return tmp_path / "tiles"


def reason(folder: Path, name: str) -> str:
    """Why a product is refused, beside one that is not; and nothing may be left of it."""
    outside = {path for path in folder.parent.rglob("*") if folder not in path.parents}
    index = index_products(folder)
    assert [scene.id for scene in index.scenes] == [GOOD]
    assert set(index.refused) == {name}
    assert {path for path in folder.parent.rglob("*") if folder not in path.parents} == outside
    leftovers = [path.name for path in (folder / ".habitat").rglob(".*")]
    assert not leftovers
    said = index.refused[name]
    assert "\n" not in said
    return said


# -- names and kinds of members -------------------------------------------------------------------------

ESCAPES = ["../../evil.txt", "a/../../../evil.txt", "/tmp/evil.txt", "..\\..\\evil.txt", "C:\\evil.txt", "C:/evil.txt"]


@pytest.mark.parametrize("name", ESCAPES)
def test_a_zip_with_a_name_that_leaves_it(name: str, folder: Path) -> None:
    zipped(safe_product(folder), more={name: b"evil"})
    assert "a name that leads out of it" in reason(folder, SAFE)


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
@pytest.mark.parametrize("name", ESCAPES)
def test_a_tar_with_a_name_that_leaves_it(name: str, ending: str, folder: Path) -> None:
    tarred(landsat_product(folder), ending=ending, more=(tarfile.TarInfo(name),))
    assert "a name that leads out of it" in reason(folder, LANDSAT)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_tar_with_a_link_or_device(kind: bytes, folder: Path) -> None:
    entry = tarfile.TarInfo(f"{LANDSAT}_SR_B1.TIF")
    entry.type, entry.linkname = kind, "/etc/passwd"
    tarred(landsat_product(folder), more=(entry,))
    assert "a link or device" in reason(folder, LANDSAT)


def test_a_zip_with_a_link(folder: Path) -> None:
    path = zipped(safe_product(folder))
    entry = zipfile.ZipInfo(f"{SAFE}.SAFE/link.jp2")
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert "a link or device" in reason(folder, SAFE)


def test_an_archive_with_two_members_of_one_name(folder: Path) -> None:
    path = zipped(safe_product(folder))
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")  # zipfile warns of what is done on purpose here
        archive.writestr(f"{SAFE}.SAFE/MTD_MSIL2A.xml", "<other/>")
    assert "two members of one name" in reason(folder, SAFE)


def test_a_zip_that_is_encrypted(folder: Path) -> None:
    path = zipped(safe_product(folder))
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\1\2")
    content[central + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in reason(folder, SAFE)


# -- bombs ----------------------------------------------------------------------------------------------


def test_a_zip_whose_member_claims_more_than_it_can_hold(folder: Path) -> None:
    path = zipped(safe_product(folder))
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\1\2")
    struct.pack_into("<I", content, central + 24, 2_000_000_000)  # uncompressed size
    path.write_bytes(content)
    assert "claims more than it can hold" in reason(folder, SAFE)


def test_a_zip_whose_metadata_would_fill_the_memory(folder: Path) -> None:
    safe_product(folder, mtd=" " * (views.MAX_DOCUMENT + 1))
    zipped(folder / f"{SAFE}.SAFE")
    assert "more than metadata has" in reason(folder, SAFE)


def test_a_member_that_is_larger_than_any_band(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarred(landsat_product(folder))
    monkeypatch.setattr(views, "MAX_MEMBER", 500)
    assert "more than any product holds" in reason(folder, LANDSAT)


def test_an_archive_that_is_larger_than_any_product(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarred(landsat_product(folder), ending="tar.gz")
    monkeypatch.setattr(views, "MAX_UNPACKED", 2_000)
    assert "more than any product holds" in reason(folder, LANDSAT)


def test_a_tar_whose_header_asks_for_the_memory(folder: Path) -> None:
    """A gibibyte of zeros in a megabyte of gzip, said to be the next member's extended header."""
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 2**30
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as packed:
        packed.write(header.tobuf())
        for _ in range(64):
            packed.write(bytes(2**20))
    (folder / f"{LANDSAT}.tar.gz").write_bytes(buffer.getvalue())
    tracemalloc.start()
    assert "a forged header" in reason(folder, LANDSAT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 * 2**20


def test_a_disk_that_cannot_hold_a_member_is_no_fault_of_the_product(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped(safe_product(folder))
    monkeypatch.setattr(views.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 100, 0))  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match=r"0 are free; free some space, or choose another --cache"):
        index_products(folder)
    assert not (folder / "catalog.json").exists()
    assert not list((folder / ".habitat").rglob(".*"))


def test_a_disk_that_fills_up_leaves_nothing_half_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    safe_product(folder)
    resource = pytest.importorskip("resource")  # a limit on a file's size stands for a full disk
    signal = pytest.importorskip("signal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        with pytest.raises(StoreError, match="choose another --cache"):
            index_products(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not (folder / "catalog.json").exists()
    assert not [path for path in (folder / ".habitat").rglob("*") if path.is_file()]
    assert [scene.id for scene in index_products(folder).scenes] == [SAFE, GOOD]


# -- metadata -------------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
BOMBS = {
    "billion laughs": (f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>', "&l9;"),
    "quadratic": (f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>', "&a;" * 1000),
    "local file": ('<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>', "&f;"),
    "far file": ('<!DOCTYPE x [<!ENTITY f SYSTEM "http://192.0.2.1/x">]>', "&f;"),
    "parameter": ('<!DOCTYPE x [<!ENTITY % f SYSTEM "http://192.0.2.1/x.dtd"> %f;]>', ""),
    "document type": ('<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd">', ""),
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("form", ["safe", "landsat"])
def test_xml_that_declares_entities_or_types(form: str, bomb: str, folder: Path) -> None:
    head, body = BOMBS[bomb]
    if form == "safe":
        first, rest = MTD.split("\n", 1)
        safe_product(folder, mtd=f"{first}\n{head}\n{rest}".replace("Sentinel-2B", body or "Sentinel-2B"))
        assert "declares document types or entities" in reason(folder, SAFE)
    else:
        product = landsat_product(folder)
        (product / f"{LANDSAT}_MTL.txt").unlink()
        xml = f'<?xml version="1.0"?>{head}<LANDSAT_METADATA_FILE><A><B>{body}</B></A></LANDSAT_METADATA_FILE>'
        (product / f"{LANDSAT}_MTL.xml").write_text(xml)
        assert "declares document types or entities" in reason(folder, LANDSAT)


@pytest.mark.parametrize("count", [1_000, 500_000])
def test_xml_that_is_nested_without_end(count: int, folder: Path) -> None:
    safe_product(folder, mtd="<a>" * count + "</a>" * count)
    assert "nests elements more than 64 deep" in reason(folder, SAFE)


@pytest.mark.parametrize("text", ["", "\0\1\2", "<", "PK\3\4", "<?xml version='1.0' encoding='nonsense'?><a/>"])
def test_xml_that_is_none(text: str, folder: Path) -> None:
    safe_product(folder, mtd=text)
    assert "is not XML" in reason(folder, SAFE)


@pytest.mark.parametrize("text", ["\0" * 100, "GROUP", "GROUP = A\n" * 1_000, "END_GROUP = A", "\xff\xfe = \x00 ="])
def test_an_mtl_that_is_none(text: str, folder: Path) -> None:
    landsat_product(folder, mtl=text)
    assert "MTL.txt" in reason(folder, LANDSAT)


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[]", '{"LANDSAT_METADATA_FILE": []}'])
def test_an_mtl_in_json_that_is_none(text: str, folder: Path) -> None:
    product = landsat_product(folder)
    (product / f"{LANDSAT}_MTL.txt").unlink()
    (product / f"{LANDSAT}_MTL.json").write_text(text)
    assert "MTL.json" in reason(folder, LANDSAT)


# -- rasters --------------------------------------------------------------------------------------------


def image(product: Path, band: str = "red") -> Path:
    return product / GRANULE / "IMG_DATA" / f"{IMAGES[band]}.jp2"


def giant_jp2(path: Path) -> None:
    """Say in both headers of a JPEG 2000 that it has 10^6 x 10^6 pixels."""
    content = bytearray(path.read_bytes())
    box = content.index(b"ihdr") + 4
    struct.pack_into(">II", content, box, 10**6, 10**6)
    size = content.index(b"\xff\x51") + 6
    struct.pack_into(">II", content, size, 10**6, 10**6)
    struct.pack_into(">II", content, size + 16, 16384, 16384)  # of one tile: no more than 65535 may there be
    path.write_bytes(content)


def giant_tif(path: Path) -> None:
    """A GeoTIFF with nothing in it that says it has 10^6 x 10^6 pixels."""
    path.unlink()
    profile = {"driver": "GTiff", "tiled": True, "sparse_ok": True, "BIGTIFF": "YES", "blockxsize": 16384}
    with rasterio.open(path, "w", width=10**6, height=10**6, count=1, dtype="uint16", blockysize=16384, **profile):
        pass


@pytest.mark.parametrize("pack", [lambda product: product, zipped])
def test_a_jpeg_2000_that_claims_a_million_squared(pack: object, folder: Path) -> None:
    product = safe_product(folder)
    giant_jp2(image(product))
    pack(product)  # type: ignore[operator]
    assert "claims 1000000 x 1000000 pixels" in reason(folder, SAFE)


@pytest.mark.parametrize("pack", [lambda product: product, tarred])
def test_a_geotiff_that_claims_a_million_squared(pack: object, folder: Path) -> None:
    product = landsat_product(folder)
    giant_tif(product / f"{LANDSAT}_SR_B4.TIF")
    pack(product)  # type: ignore[operator]
    assert "claims 1000000 x 1000000 pixels" in reason(folder, LANDSAT)


def test_a_band_that_claims_more_than_any_band_has(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_BAND_PIXELS", 35)
    with pytest.raises(CatalogueError, match="claims 6 x 6 pixels, more than any product's band"):
        index_products(folder)


@pytest.mark.parametrize("pack", [lambda product: product, zipped])
def test_a_virtual_raster_named_jp2(pack: object, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.tif"
    downloads.write_image(secret, downloads.numbers("red"), 10)
    product = safe_product(folder)
    image(product).write_text(VRT.format(secret))
    pack(product)  # type: ignore[operator]
    assert "cannot be read as a raster" in reason(folder, SAFE)


@pytest.mark.parametrize("pack", [lambda product: product, tarred])
def test_a_virtual_raster_named_tif(pack: object, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.tif"
    downloads.write_image(secret, downloads.numbers("red"), 30)
    product = landsat_product(folder)
    (product / f"{LANDSAT}_SR_B4.TIF").write_text(VRT.format(secret))
    pack(product)  # type: ignore[operator]
    assert "cannot be read as a raster" in reason(folder, LANDSAT)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.99])
def test_a_jpeg_2000_that_is_cut_off(share: float, folder: Path) -> None:
    product = safe_product(folder)
    content = image(product).read_bytes()
    image(product).write_bytes(content[: int(len(content) * share)])
    assert "download the product again" in reason(folder, SAFE)


@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_a_geotiff_that_is_cut_off(share: float, placed: bool, folder: Path) -> None:
    product = landsat_product(folder, placed=placed)
    path = product / f"{LANDSAT}_SR_B4.TIF"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert reason(folder, LANDSAT)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_zip_that_is_cut_off(share: float, folder: Path) -> None:
    path = zipped(safe_product(folder))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "download it again" in reason(folder, SAFE)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_compressed_tar_that_is_cut_off(share: float, folder: Path) -> None:
    path = tarred(landsat_product(folder), ending="tar.gz")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "again" in reason(folder, LANDSAT)


@pytest.mark.parametrize("after", [-600, -100, 0])
def test_a_tar_that_is_cut_off(after: int, folder: Path) -> None:
    """In a header, in a band, and between two bands, where only the end that is not there tells."""
    path = tarred(landsat_product(folder))
    with tarfile.open(path) as archive:
        last = archive.getmembers()[-1].offset
    path.write_bytes(path.read_bytes()[: last + after])
    assert "again" in reason(folder, LANDSAT)


def test_a_zip_whose_content_was_changed(folder: Path) -> None:
    path = zipped(safe_product(folder))
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(f"{SAFE}.SAFE/{GRANULE}/IMG_DATA/{IMAGES['red']}.jp2")
    content = bytearray(path.read_bytes())
    middle = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
    content[middle] ^= 0xFF
    path.write_bytes(content)
    assert "cannot be unpacked" in reason(folder, SAFE)


def test_a_web_page_named_as_a_product(folder: Path) -> None:
    (folder / f"{SAFE}.zip").write_text("<html>Please log in</html>")
    assert "cannot be unpacked (File is not a zip file); download it again" in reason(folder, SAFE)
