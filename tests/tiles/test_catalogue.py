"""Finding scenes: every kind of STAC file, what is left out and why, and what is no catalogue at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import shapely

from habitat.errors import CatalogueError
from habitat.seasons import Season
from habitat.tiles import Scene, Selection, select_scenes
from tiles.archive import AREA, Archive

SUMMER_2020 = [Season.parse("mapping", "06-01/09-15").window(2020)]


def select(source: Path, **changed: Any) -> Selection:
    said: dict[str, Any] = {"area": AREA, "windows": SUMMER_2020} | changed
    return select_scenes(source, **said)


def names(selection: Selection) -> list[str]:
    return [scene.id for scene in selection.scenes]


@pytest.fixture
def pair(archive: Archive) -> Archive:
    """A scene of each sensor, the later one first in the catalogue."""
    archive.landsat("L8", "2020-07-09")
    archive.sentinel2("S2", "2020-07-01", changed={"collection": "sentinel-2-l2a"})
    return archive


# -- kinds of files -------------------------------------------------------------------------------------


def of_catalogue(archive: Archive) -> Path:
    return archive.catalogue()


def of_collection(archive: Archive) -> Path:
    extent = {"spatial": {"bbox": [[130, 43, 131, 44]]}, "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]}}
    return archive.catalogue(name="collection.json", type="Collection", license="other", extent=extent)


def of_nested_catalogue(archive: Archive) -> Path:
    archive.catalogue()
    links = [{"rel": "child", "href": "./tiles/catalog.json"}]
    path = archive.folder.parent / "catalog.json"
    document = {"type": "Catalog", "stac_version": "1.0.0", "id": "top", "description": "t", "links": links}
    path.write_text(json.dumps(document))
    return path


def of_item_collection(archive: Archive) -> Path:
    """As a search of an API is saved: items side by side, with paths from the file."""
    items = json.loads(json.dumps(archive.items))
    for item in items:
        for key, asset in item["assets"].items():
            asset["href"] = f"./{item['id']}/{key}.tif"
    path = archive.folder / "search.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return path


def of_stac_0_9(archive: Archive) -> Path:
    for item in archive.items:
        path = archive.folder / item["id"] / "item.json"
        path.write_text(json.dumps(item | {"stac_version": "0.9.0", "stac_extensions": ["eo"]}))
    path = archive.catalogue(stac_version="0.9.0")
    document = json.loads(path.read_text())
    del document["type"]
    path.write_text(json.dumps(document))
    return path


def of_stac_1_1(archive: Archive) -> Path:
    for item in archive.items:
        (archive.folder / item["id"] / "item.json").write_text(json.dumps(item | {"stac_version": "1.1.0"}))
    return archive.catalogue(stac_version="1.1.0")


@pytest.mark.parametrize(
    "write", [of_catalogue, of_collection, of_nested_catalogue, of_item_collection, of_stac_0_9, of_stac_1_1]
)
def test_scenes_are_found_in_every_kind_of_file(pair: Archive, write: Callable[[Archive], Path]) -> None:
    found = select(write(pair))
    assert names(found) == ["S2", "L8"], "in the order of their times"
    assert found.left_out == {}
    for scene in found.scenes:
        assert scene.quality is not None
        assert all(Path(a.href).is_file() for a in (*scene.bands.values(), scene.quality)), "paths from the item"


def test_an_item_alone_is_a_catalogue_of_one(pair: Archive) -> None:
    assert names(select(pair.folder / "S2" / "item.json")) == ["S2"]


def test_only_the_collections_asked_for(pair: Archive) -> None:
    assert names(select(pair.catalogue(), collections=["sentinel-2-l2a"])) == ["S2"]


def test_a_scene_linked_twice_is_used_once(pair: Archive) -> None:
    pair.items.append(pair.items[0])
    assert names(select(pair.catalogue())) == ["S2", "L8"]


def test_items_of_other_satellites_are_passed_over(pair: Archive) -> None:
    pair.sentinel2("radar", properties={"platform": "sentinel-1a"})
    found = select(pair.catalogue())
    assert names(found) == ["S2", "L8"]
    assert "radar" not in found.left_out


def test_times_with_and_without_a_zone_are_put_in_order(archive: Archive) -> None:
    archive.sentinel2("no zone", "2020-07-03T00:00:00")
    archive.sentinel2("new york", "2020-07-01T23:00:00-05:00")
    archive.sentinel2("utc", "2020-07-02T03:00:00Z")
    assert names(select(archive.catalogue())) == ["utc", "new york", "no zone"]


# -- what is left out -----------------------------------------------------------------------------------


def test_every_scene_left_out_has_its_reason(archive: Archive) -> None:
    archive.sentinel2("good")
    archive.sentinel2("first day", "2020-06-01T00:00:00Z")
    archive.sentinel2("last day", "2020-09-15T23:59:59Z")
    archive.sentinel2("winter", "2020-12-01")
    archive.sentinel2("cloudy", properties={"eo:cloud_cover": 80.1})
    archive.sentinel2("cloudy enough", properties={"eo:cloud_cover": 80})
    archive.sentinel2("clouds unknown", properties={"eo:cloud_cover": None})
    archive.sentinel2("elsewhere", changed={"geometry": shapely.box(10, 50, 11, 51).__geo_interface__})
    archive.sentinel2("place unknown", changed={"geometry": None, "bbox": None})
    found = select(archive.catalogue(), max_cloud_percent=80)
    used = {"good", "first day", "last day", "cloudy enough", "clouds unknown", "place unknown"}
    assert set(names(found)) == used
    assert found.left_out == {
        "elsewhere": "outside the area",
        "winter": "outside the years and seasons",
        "cloudy": "with more than 80% cloud",
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"area": shapely.box(10, 50, 11, 51)}, r"no scene is left to use \(2 outside the area\); check \[area\]"),
        (
            {"windows": [(date(2019, 1, 1), date(2019, 12, 31))]},
            r"no scene is left to use \(2 outside the years and seasons\); check \[period\]",
        ),
        ({"max_cloud_percent": 5}, r"\(2 with more than 5% cloud\); raise \[scenes\] max_cloud_percent"),
        ({"collections": ["sentinel-2-c1-l2a"]}, r"holds no scene of a known sensor; check \[scenes\] collections"),
    ],
)
def test_when_none_is_left_the_step_is_named_at_which_the_last_went(
    pair: Archive, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(CatalogueError, match=f"catalog.json: .*{said}"):
        select(pair.catalogue(), **changed)


# -- what is no catalogue -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n<!DOCTYPE html><html>503 Service Unavailable</html>", "is an HTML page, not a STAC catalogue"),
        (b"not found", "is not JSON, not a STAC catalogue"),
        (b"", "is not JSON, not a STAC catalogue"),
        (b"\xff\xd8\xff\xe0 a picture", "is not a text file"),
        (b"[1, 2, 3]", "is JSON but not STAC"),
        (b'"catalog"', "is JSON but not STAC"),
        (b'{"name": "something else"}', "is JSON but not STAC"),
        (b'{"type": "Catalog", "id": "x"}', "catalog.json"),
        (b'{"type": "FeatureCollection", "features": []}', "holds no scene of a known sensor"),
        (b'{"type": "FeatureCollection"}', "holds no scene of a known sensor"),
        (b'{"type": "FeatureCollection", "features": null}', "cannot be followed"),
        (b'{"type": "FeatureCollection", "features": [1]}', "cannot be followed"),
        (b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}}]}', "not STAC"),
        (
            b'{"type": "Catalog", "stac_version": "1.0.0", "id": "x", "description": "", "links": []}',
            "holds no scene of a known sensor",
        ),
    ],
)
def test_what_is_no_catalogue_is_told_by_its_file(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "catalog.json"
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=f"catalog.json: .*{said}" if said != path.name else said) as caught:
        select(path)
    assert "\n" not in str(caught.value)


def test_a_catalogue_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="nowhere.json: cannot be read .No such file"):
        select(tmp_path / "nowhere.json")
    with pytest.raises(CatalogueError, match="cannot be read .Is a directory"):
        select(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"<html>404</html>",
        b"[]",
        b'{"type": "Feature"}',
        b'{"type": "Feature", "stac_version": "1.0.0", "id": "S2", "properties": {"datetime": null}, '
        b'"geometry": null, "links": [], "assets": {}}',
        b'{"type": "Feature", "stac_version": "1.0.0", "id": "S2", "properties": {"datetime": "soon"}, '
        b'"geometry": null, "links": [], "assets": {}}',
        b"\xff\xfe",
    ],
)
def test_a_broken_item_is_an_error_of_the_catalogue(pair: Archive, content: bytes | None) -> None:
    item = pair.folder / "S2" / "item.json"
    item.unlink()
    if content is not None:
        item.write_bytes(content)
    with pytest.raises(CatalogueError, match="catalog.json.*S2/item.json") as caught:
        select(pair.catalogue())
    assert "\n" not in str(caught.value)


def test_a_footprint_that_is_none_names_the_item(archive: Archive) -> None:
    archive.sentinel2("bow", changed={"geometry": {"type": "Polygon", "coordinates": "none"}})
    with pytest.raises(CatalogueError, match="item bow"):
        select(archive.catalogue())


def test_a_footprint_that_crosses_itself_still_says_where_it_is(archive: Archive) -> None:
    bow = {"type": "Polygon", "coordinates": [[[128, 43], [130, 43], [128, 44], [130, 44], [128, 43]]]}
    archive.sentinel2("bow", changed={"geometry": bow})
    assert names(select(archive.catalogue())) == ["bow"]
    assert isinstance(select(archive.catalogue()).scenes[0], Scene)


# -- no network, whatever the links say -----------------------------------------------------------------

ELSEWHERE = "https://catalogues.example/v1"


def test_links_to_the_web_are_not_followed(pair: Archive) -> None:
    """pystac follows an old item's collection; the network of tests would refuse it with another error."""
    for item in pair.items:
        links = [{"rel": rel, "href": f"{ELSEWHERE}/{rel}.json"} for rel in ("self", "root", "parent", "collection")]
        for version in ("0.7.0", "0.9.0", "1.0.0"):
            (pair.folder / item["id"] / "item.json").write_text(
                json.dumps(item | {"links": links, "stac_version": version})
            )
            assert names(select(pair.catalogue())) == ["S2", "L8"]


def test_a_catalogue_that_leads_to_the_web_is_to_be_downloaded_first(pair: Archive) -> None:
    path = pair.catalogue(links=[{"rel": "item", "href": f"{ELSEWHERE}/item.json"}])
    with pytest.raises(CatalogueError, match=f"links to '{ELSEWHERE}/item.json'.*; download the whole catalogue, or"):
        select(path)


def test_catalogues_that_lead_to_each_other_end(pair: Archive) -> None:
    path = pair.catalogue()
    document = json.loads(path.read_text())
    again = [{"rel": "child", "href": "./catalog.json"}, {"rel": "child", "href": "./S2/../catalog.json"}]
    path.write_text(json.dumps(document | {"links": again + document["links"]}))
    assert names(select(path)) == ["S2", "L8"]


def test_a_file_that_is_linked_and_missing_is_named(pair: Archive) -> None:
    (pair.folder / "S2" / "item.json").unlink()
    with pytest.raises(
        CatalogueError, match=r"leads to .*S2/item.json, which cannot be read .No such file.*fetch that file again"
    ):
        select(pair.catalogue())


def test_a_thousand_brackets_are_no_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    path.write_text("[" * 100_000)
    with pytest.raises(CatalogueError, match="is not JSON"):
        select(path)


def test_what_items_have_in_common_stood_in_their_collection_until_stac_1(pair: Archive) -> None:
    for item in pair.items:
        path = pair.folder / item["id"] / "item.json"
        properties = {"datetime": item["properties"]["datetime"]}
        path.write_text(json.dumps(item | {"stac_version": "0.9.0", "properties": properties}))
    pair.items = pair.items[:1]
    common = {"platform": "landsat-8", "eo:cloud_cover": 42}
    path = pair.catalogue(name="collection.json", stac_version="0.9.0", properties=common)
    (scene,) = select(path).scenes
    assert (scene.platform, scene.cloud_percent) == ("landsat-8", 42)


# -- files beside their item ----------------------------------------------------------------------------


def on_the_web(archive: Archive, item: dict[str, Any], folder: str = "") -> Path:
    """Let the item say that its files are on the web, as it did where it was downloaded."""
    assets = {key: asset | {"href": f"{ELSEWHERE}/{folder}/{key}.tif?sig=x"} for key, asset in item["assets"].items()}
    path = archive.folder / item["id"] / "item.json"
    path.write_text(json.dumps(item | {"assets": assets}))
    return path


def test_files_beside_the_item_are_used(pair: Archive) -> None:
    path = on_the_web(pair, pair.items[1])
    (scene,) = select(path).scenes
    assert all(asset.is_here and Path(asset.href).parent == path.parent for asset in scene.assets.values())


def test_files_that_are_not_beside_the_item_are_on_the_web(pair: Archive) -> None:
    path = on_the_web(pair, pair.items[1])
    (path.parent / "red.tif").unlink()
    (scene,) = select(path).scenes
    assert [name for name, asset in scene.assets.items() if not asset.is_here] == ["red"]


def test_a_saved_search_does_not_take_one_file_for_all_its_items(pair: Archive) -> None:
    """Every item's red band is called red.tif there: the one beside the search can be of one only."""
    item = json.loads(on_the_web(pair, pair.items[1]).read_text())
    (pair.folder / "red.tif").touch()
    path = pair.folder / "search.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [item, item | {"id": "other"}]}))
    assert not any(scene.bands["red"].is_here for scene in select(path).scenes)


def test_two_items_that_claim_one_file_are_an_error(pair: Archive) -> None:
    item = json.loads(on_the_web(pair, pair.items[1]).read_text())
    (pair.folder / "S2" / "other.json").write_text(json.dumps(item | {"id": "other"}))
    links = [{"rel": "item", "href": f"./S2/{name}.json"} for name in ("item", "other")]
    with pytest.raises(
        CatalogueError, match=r"tif: lies beside item other and item S2, and both say.*folder of its own"
    ):
        select(pair.catalogue(links=links))
