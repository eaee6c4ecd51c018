"""Products' metadata: every form and age of it, and what is wrong in it said in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from habitat.errors import CatalogueError
from habitat.tiles.products.archives import open_view
from habitat.tiles.products.documents import parse_mtl, parse_time, parse_xml, text_of
from habitat.tiles.products.landsat_c2 import read_landsat
from habitat.tiles.products.plans import Placement
from habitat.tiles.products.safe import read_safe
from habitat.tiles.scenes import OffsetClaims
from tiles.downloads import GRANULE, IMAGES, LANDSAT, LANDSAT_FILES, MTD, MTL, SAFE

OLD_MTD = """<?xml version="1.0"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-12.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
<n1:General_Info><L2A_Product_Info>
  <PRODUCT_START_TIME>2017-07-06T10:20:21.026Z</PRODUCT_START_TIME>
  <PRODUCT_URI_1C>S2A_MSIL1C_20170706T102021_N0205_R065_T32TMT_20170706T102301.SAFE</PRODUCT_URI_1C>
  <PROCESSING_LEVEL>Level-2Ap</PROCESSING_LEVEL>
  <PROCESSING_BASELINE>02.05</PROCESSING_BASELINE>
  <Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake>
</L2A_Product_Info>
<L2A_Product_Image_Characteristics><L1C_L2A_Quantification_Values_List>
  <L1C_TOA_QUANTIFICATION_VALUE unit="none">10000</L1C_TOA_QUANTIFICATION_VALUE>
  <L2A_BOA_QUANTIFICATION_VALUE unit="none">1000</L2A_BOA_QUANTIFICATION_VALUE>
</L1C_L2A_Quantification_Values_List></L2A_Product_Image_Characteristics></n1:General_Info>
</n1:Level-2A_User_Product>
"""


def safe_files(folder: Path, mtd: str = MTD, images: tuple[str, ...] = tuple(IMAGES.values())) -> Path:
    """A .SAFE whose images are empty: enough to be understood."""
    product = folder / f"{SAFE}.SAFE"
    for image in images:
        path = product / GRANULE / "IMG_DATA" / f"{image}.jp2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (product / "MTD_MSIL2A.xml").write_text(mtd)
    return product


def landsat_files(folder: Path, mtl: str = MTL, name: str = LANDSAT) -> Path:
    folder.mkdir(exist_ok=True)
    for code in LANDSAT_FILES.values():
        (folder / f"{name}_{code}.TIF").touch()
    (folder / f"{name}_MTL.txt").write_text(mtl)
    return folder


# -- Sentinel-2 -----------------------------------------------------------------------------------------


def test_products_of_2017_are_understood(tmp_path: Path) -> None:
    product = tmp_path / "S2A_MSIL2A_20170706T102021_N0205_R065_T32TMT_20170706T102301.SAFE"
    for name in ("R10m/L2A_T32TMT_20170706T102021_B02_10m", "R10m/L2A_T32TMT_20170706T102021_B04_10m",
                 "R20m/L2A_T32TMT_20170706T102021_B8A_20m", "R20m/L2A_T32TMT_20170706T102021_SCL_20m"):  # fmt: skip
        path = product / "GRANULE" / "L2A_T32TMT_A010650_20170706T102301" / "IMG_DATA" / f"{name}.jp2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (product / "MTD_MSIL2A.xml").write_text(OLD_MTD)
    found = read_safe(open_view(product))
    assert (found.name, found.tile, found.platform) == (product.stem, "32TMT", "sentinel-2a")
    assert found.layers.keys() == {"blue", "red", "nir08", "quality"}
    assert (found.layers["red"].scale, found.layers["red"].offset) == (0.001, 0)
    assert found.claims == OffsetClaims((2, 5), removed=False, stated=None)
    assert (found.footprint, found.cloud_percent, found.processed) == (None, None, None)


def test_bands_at_20_m_stand_in_for_those_at_10(tmp_path: Path) -> None:
    images = tuple(image.replace("10m", "20m") for image in IMAGES.values())
    found = read_safe(open_view(safe_files(tmp_path, images=(*images, IMAGES["red"]))))
    assert found.layers["blue"].member.endswith("B02_20m.jp2")
    assert found.layers["red"].member.endswith("B04_10m.jp2"), "the finer one where there is one"


def test_b08_is_never_taken_for_b8a(tmp_path: Path) -> None:
    product = safe_files(tmp_path, images=(IMAGES["red"], IMAGES["red"].replace("B04", "B08")))
    with pytest.raises(CatalogueError, match="lacks B8A_20m"):
        read_safe(open_view(product))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Level-2A</PROC", "Level-1C</PROC", "is of Level-1C, not Level-2A"),
        ('"none">10000<', '"none">ten<', "BOA_QUANTIFICATION_VALUE = 'ten', which is no number"),
        ('"none">10000<', '"none">0<', "BOA_QUANTIFICATION_VALUE = 0"),
        ('"none">10000<', '"none">nan<', "no number"),
        ('band_id="3">-1000', 'band_id="3">-900', "different offsets for its bands"),
        ('band_id="3"', 'band_id="77"', "does not say BOA_ADD_OFFSET of red"),
        ("05.09</", "new</", "PROCESSING_BASELINE = 'new'"),
        ("2023-07-04T02:15:49.024Z", "2023-13-45T02:15:49.024Z", "no time in PRODUCT_START_TIME"),
        ("43.3 130.2 43.3 130.3", "430 130.2 43.3 130.3", "no outline"),
        ("12.5<", "cloudy<", "Cloud_Coverage_Assessment = 'cloudy'"),
        ("</n1:General_Info>", "", "is not XML"),
    ],
)
def test_what_is_wrong_in_it_is_said(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in MTD
    with pytest.raises(CatalogueError, match=message) as error:
        read_safe(open_view(safe_files(tmp_path, MTD.replace(old, new))))
    assert "MTD_MSIL2A.xml" in str(error.value)
    assert "\n" not in str(error.value)


def test_products_of_many_tiles_are_refused(tmp_path: Path) -> None:
    product = safe_files(tmp_path)
    other = product / GRANULE.replace("52TFN", "52TGN") / "IMG_DATA" / "R10m" / "x_B04_10m.jp2"
    other.parent.mkdir(parents=True)
    other.touch()
    with pytest.raises(CatalogueError, match="holds 2 granules"):
        read_safe(open_view(product))


def test_level_1c_names_the_level_that_is_needed(tmp_path: Path) -> None:
    product = tmp_path / "S2A_MSIL1C_20200101T000000_N0208_R003_T52TFN_20200101T000000.SAFE"
    product.mkdir()
    (product / "MTD_MSIL1C.xml").write_text("<x/>")
    with pytest.raises(CatalogueError, match=r"Level-1C product.*get its Level-2A"):
        read_safe(open_view(product))


# -- Landsat --------------------------------------------------------------------------------------------


def as_json(mtl: str) -> str:
    return json.dumps({"LANDSAT_METADATA_FILE": parse_mtl(mtl.encode(), "x_MTL.txt", "x")})


def as_xml(mtl: str) -> str:
    groups = parse_mtl(mtl.encode(), "x_MTL.txt", "x")
    inside = "".join(
        f"<{group}>{''.join(f'<{k}>{v}</{k}>' for k, v in values.items())}</{group}>"
        for group, values in groups.items()
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><LANDSAT_METADATA_FILE>{inside}</LANDSAT_METADATA_FILE>'


@pytest.mark.parametrize(("ending", "write"), [("json", as_json), ("xml", as_xml)])
def test_all_forms_of_the_mtl_say_the_same(ending: str, write: object, tmp_path: Path) -> None:
    product = landsat_files(tmp_path / "a")
    text = read_landsat(open_view(product))
    (product / f"{LANDSAT}_MTL.txt").unlink()
    (product / f"{LANDSAT}_MTL.{ending}").write_text(write(MTL))  # type: ignore[operator]
    other = read_landsat(open_view(product))
    assert (other.time, other.layers, other.tile, other.cloud_percent) == (
        text.time,
        text.layers,
        text.tile,
        text.cloud_percent,
    )
    assert isinstance(other.placement, Placement)
    assert isinstance(text.placement, Placement)
    assert other.placement.corners == text.placement.corners == (600_000, 4_799_850, 600_150, 4_800_000)


def test_thematic_mapper_s_numbers_mean_other_bands(tmp_path: Path) -> None:
    name = LANDSAT.replace("LC09", "LT05")
    product = landsat_files(tmp_path / "a", name=name)
    (product / f"{name}_SR_B1.TIF").touch()
    (product / f"{name}_SR_B6.TIF").unlink()
    found = {band: layer.member.split("_")[-1] for band, layer in read_landsat(open_view(product)).layers.items()}
    assert found == {
        "blue": "B1.TIF",
        "green": "B2.TIF",
        "red": "B3.TIF",
        "nir08": "B4.TIF",
        "swir16": "B5.TIF",
        "swir22": "B7.TIF",
        "quality": "PIXEL.TIF",
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'PROCESSING_LEVEL = "L2SP"\n    COLL',
            'PROCESSING_LEVEL = "L1TP"\n    COLL',
            "is of L1TP, not of Collection 2",
        ),
        ("REFLECTANCE_MULT_BAND_4 = 2.75e-05", "", "does not say REFLECTANCE_MULT_BAND_4"),
        ("WRS_PATH = 115", "WRS_PATH = east", "WRS_PATH = 'east', which is no number"),
        ("2023-07-11", "yesterday", "no time in DATE_ACQUIRED"),
        ("  END_GROUP = PRODUCT_CONTENTS", "  END_GROUP = OTHER", "ends a group that is not open"),
        ("CLOUD_COVER = 31.02", "\x7f\x00garbage", "is not NAME = value"),
        (MTL, "", "holds no group"),
    ],
)
def test_what_is_wrong_in_an_mtl_is_said(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in MTL
    with pytest.raises(CatalogueError, match=message) as error:
        read_landsat(open_view(landsat_files(tmp_path / "a", MTL.replace(old, new))))
    assert "MTL.txt" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("UTM_ZONE = 52", "UTM_ZONE = 61", "UTM_ZONE = 61"),
        ('"UTM"', '"AEA"', "AEA"),
        ('"NORTH_UP"', '"NOMINAL"', "not north up"),
        ("CORNER_UL_PROJECTION_X_PRODUCT = 600000.000", "", "does not say CORNER_UL_PROJECTION_X_PRODUCT"),
    ],
)
def test_why_an_mtl_places_nothing_is_kept(old: str, new: str, message: str, tmp_path: Path) -> None:
    placement = read_landsat(open_view(landsat_files(tmp_path / "a", MTL.replace(old, new)))).placement
    assert message in str(placement)


def test_cloud_that_nobody_judged_is_unknown(tmp_path: Path) -> None:
    product = landsat_files(tmp_path / "a", MTL.replace("CLOUD_COVER = 31.02", "CLOUD_COVER = -1.00"))
    assert read_landsat(open_view(product)).cloud_percent is None


# -- documents ------------------------------------------------------------------------------------------


def test_names_are_found_whatever_their_namespace() -> None:
    root = parse_xml(b'<a:r xmlns:a="x"><a:b> </a:b><b>1</b></a:r>', "x")
    assert text_of(root, "b") == "1"
    assert text_of(root, "c") is None


def test_times_have_any_number_of_decimals() -> None:
    assert [parse_time(f"2020-01-01T00:00:00{end}", "t", "x").microsecond for end in ("Z", ".5Z", ".12345678Z")] == [
        0,
        500_000,
        123_456,
    ]


def test_grids_are_exact() -> None:
    at = Placement("EPSG:32630", (487_020, 5_922_000, 499_980, 5_929_980), (267, 433), 30, "x")
    assert at.edges((267, 433), corners_are_fill=False) == (30, 0, 487_005, 0, -30, 5_929_995)
    whole = Placement("EPSG:32618", (378_300, 43_500, 606_000, 275_700), (7741, 7591), 30, "x")
    assert whole.edges((512, 512), corners_are_fill=True) == (444.78515625, 0, 378_285, 0, -453.57421875, 275_715)
