"""Searching STAC APIs: a real server with items in five catalogues' styles, and servers that mean ill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from habitat.cubes import BANDS, Quality
from habitat.errors import CatalogueError
from habitat.grids import grid_over
from habitat.tiles import Selection, api, read_stack, select_scenes
from habitat.tiles.fetching import fetch_scenes
from habitat.tiles.items import read_item, scene_from_item
from habitat.tiles.overlaps import older_processings, seen_by_neighbours
from habitat.tiles.providers import PROVIDERS, Provider, names_provider, provider_for
from habitat.tiles.remote import Remote
from habitat.tiles.search import merge_windows, search_layer
from tiles.server import TileServer
from tiles.stac_server import JSON, Canned, stac_api
from tiles.styles import STYLES, Acquisition, Style, earth_search, earth_search_c1

CRS = "EPSG:32652"
RUN = grid_over((500_040, 4_800_000, 500_280, 4_800_240), CRS, 60)
"""4 x 4 pixels of 60 m: whole pixels of every sensor's grid lie in each."""
AREA = shapely.box(*RUN.geographic_extent.boundingbox.buffered(-0.0001, -0.0001))
SUMMER = [(date(2022, 6, 1), date(2022, 9, 15))]
WHEN = datetime(2022, 7, 1, 2, 15, 51, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited, in seconds."""
    waited: list[float] = []
    monkeypatch.setattr(api, "pause", waited.append)
    return waited


def select(source: str, **changed: Any) -> Selection:
    said: dict[str, Any] = {"area": AREA, "windows": SUMMER} | changed
    return select_scenes(source, **said)


def names(selection: Selection) -> list[str]:
    return [scene.id for scene in selection.scenes]


# -- from search to pixels, in each catalogue's style ---------------------------------------------------


def grids_of(style: Style) -> dict[str, GeoBox]:
    """Each band on its sensor's grid, with a margin around the run's."""
    return GRIDS[style.sensor.resolution_m]


def _grids(resolution_m: float) -> dict[str, GeoBox]:
    metres = dict.fromkeys((*BANDS, "quality"), 20) | dict.fromkeys(("blue", "green", "red"), 10)
    if resolution_m == 30:
        metres = dict.fromkeys(metres, 30)
    return {band: grid_over((499_980, 4_799_940, 500_340, 4_800_300), CRS, size) for band, size in metres.items()}


GRIDS = {resolution_m: _grids(resolution_m) for resolution_m in (20.0, 30.0)}


def write_files(folder: Path, style: Style, truth: np.ndarray, clouds: np.ndarray) -> dict[str, GeoBox]:
    """The files of one acquisition: reflectance and clouds of the run's pixels as the style's digital numbers."""
    folder.mkdir(parents=True)
    grids = grids_of(style)
    for band, grid in grids.items():
        resolution = int(grid.transform.a)
        wide, margin = 60 // resolution, 60 // resolution
        if band == "quality":
            layer = np.where(clouds, style.cloud, style.clear)
        else:
            layer = np.rint(style.numbers(truth[BANDS.index(band)]))
        pixels = np.pad(np.kron(layer, np.ones((wide, wide))), margin, mode="edge")
        dtype = "uint8" if band == "quality" and style.sensor.quality.n_bits == 8 else style.dtype
        profile = {"driver": "GTiff", "count": 1, "dtype": dtype, "crs": CRS, "transform": grid.transform}
        height, width = grid.shape
        assert pixels.shape == (height, width)
        with rasterio.open(folder / f"{band}.tif", "w", height=height, width=width, **profile) as file:
            file.write(pixels.astype(dtype), 1)
    return grids


@pytest.mark.parametrize("name", STYLES)
def test_every_catalogue_s_items_are_read_to_the_same_numbers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = STYLES[name]
    rng = np.random.default_rng(7)
    truth = np.round(rng.uniform(0.01, 0.6, (len(BANDS), *RUN.shape)), 4)
    clouds = rng.random(RUN.shape) < 0.3
    grids = write_files(tmp_path / "web" / "0", style, truth, clouds)
    with TileServer(tmp_path / "web") as web:
        seen = Acquisition(WHEN, grids, f"{web.address}/0", style.tile, style.platform)
        cloudy = replace(seen, when=WHEN + timedelta(days=5), cloud_percent=91.0)
        winter = replace(seen, when=WHEN + timedelta(days=180))
        with stac_api(tmp_path / "api", [style.describe(one) for one in (seen, cloudy, winter)]) as address:
            monkeypatch.setitem(PROVIDERS, name, replace(PROVIDERS[name], address=address))  # type: ignore[arg-type]  # a dict
            remote = Remote(PROVIDERS[name])
            found = select(name, max_cloud_percent=80, remote=remote)
        fetched = fetch_scenes(found.scenes, RUN, tmp_path / "here", bands=BANDS, remote=remote)
        assert {asked.path for asked in web.asked()} == {f"/0/{band}.tif" for band in (*BANDS, "quality")}
    assert found.provider is not None
    assert found.provider.name == name
    (scene,) = found.scenes
    assert list(found.left_out.values()) == ["with more than 80% cloud"], "winter is not even asked for"
    assert (scene.sensor, scene.tile, scene.cloud_percent) == (style.sensor, style.tile, 12.5)
    if style.platform and name != "nasa-hls":
        assert scene.platform == style.platform
    if scene.claims is not None:
        assert scene.claims.baseline == (5, 9)
        assert scene.processed == seen.made
    stack = read_stack(fetched.scenes, RUN, BANDS)
    half_a_number = 0.5 * style.sensor.scale
    for band, layer in zip(BANDS, truth, strict=True):
        np.testing.assert_allclose(stack[band].values[0], layer, atol=half_a_number + 1e-6)
    np.testing.assert_array_equal((stack["quality"].values[0] & Quality.CLOUD) > 0, clouds)


# -- a real server --------------------------------------------------------------------------------------

N_DAYS = 130


def acquisition(day: int = 0, **changed: Any) -> Acquisition:
    grids = grids_of(STYLES["earth-search"])
    return replace(Acquisition(WHEN + timedelta(days=day), grids, f"https://tiles.example/{day}"), **changed)


def many() -> list[dict[str, Any]]:
    """More than a page: 130 days' scenes, of ten a newer processing in another collection, far ones, radar."""
    first = datetime(2022, 5, 10, 2, 15, tzinfo=UTC)
    items = [earth_search(acquisition(when=first + timedelta(days=n), baseline="02.14")) for n in range(N_DAYS)]
    items += [earth_search_c1(acquisition(when=first + timedelta(days=n), baseline="05.00")) for n in range(30, 40)]
    far = shapely.box(10, 50, 11, 51)
    items += [earth_search(acquisition(n, tile="32TPP", footprint=far)) for n in range(3)]
    items.append(earth_search(acquisition()) | {"id": "radar", "collection": "sentinel-1-grd"})
    items[-1]["properties"] |= {"platform": "sentinel-1a", "constellation": "sentinel-1"}
    return items


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with stac_api(tmp_path_factory.mktemp("api"), many()) as address:
        yield address


def test_all_pages_are_read_and_older_processings_named(server: str) -> None:
    found = select(server)
    days = [scene.day for scene in found.scenes]
    assert days == [date(2022, 6, 1) + timedelta(days=n) for n in range(len(days))], "one scene a day, in order"
    assert len(days) == 107, "from 1 June to 15 September, out of 10 May to 16 September"
    newest = {scene.id for scene in found.scenes if scene.collection == "sentinel-2-c1-l2a"}
    assert len(newest) == 10
    assert set(found.left_out.values()) == {f"an older processing of {name}" for name in newest}
    assert found.provider == Provider(name=server, address=server)


def test_small_pages_give_the_same(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = names(select(server))
    monkeypatch.setattr("habitat.tiles.search.PAGE", 7)
    assert names(select(server)) == whole


def test_only_the_collections_asked_for_are_searched(server: str) -> None:
    found = select(server, collections=["sentinel-2-c1-l2a"])
    assert len(found.scenes) == 10
    assert found.left_out == {}


def test_an_unknown_collection_names_the_nearest(server: str) -> None:
    said = rf"{server}: has no collection 'sentinel-2-l2'; did you mean 'sentinel-2-l2a' or"
    with pytest.raises(CatalogueError, match=said):
        select(server, collections=["sentinel-2-l2"])


def test_windows_of_two_seasons_are_asked_for_apart(server: str) -> None:
    windows = [(date(2022, 5, 12), date(2022, 5, 14)), (date(2022, 7, 20), date(2022, 7, 21))]
    assert [scene.day.day for scene in select(server, windows=windows).scenes] == [12, 13, 14, 20, 21]


def test_a_search_that_finds_nothing_says_so(server: str) -> None:
    with pytest.raises(CatalogueError, match=f"{server}: holds no scene of a known sensor"):
        select(server, windows=[(date(1999, 6, 1), date(1999, 9, 15))])


def test_an_api_without_collections_that_we_know_lists_what_it_has(tmp_path: Path) -> None:
    other = earth_search(acquisition()) | {"collection": "naip"}
    with (
        stac_api(tmp_path, [other]) as address,
        pytest.raises(
            CatalogueError, match=r"no collection that habitat knows; name one in \[scenes\] collections: naip"
        ),
    ):
        select(address)


def test_close_windows_are_asked_for_together() -> None:
    def window(first: str, last: str) -> tuple[date, date]:
        return date.fromisoformat(first), date.fromisoformat(last)

    leaf_off, mapping, autumn, next_year = (
        window("2020-03-15", "2020-04-30"),
        window("2020-06-01", "2020-09-15"),
        window("2020-09-16", "2020-10-31"),
        window("2021-03-15", "2021-04-30"),
    )
    assert merge_windows([next_year, autumn, mapping, leaf_off]) == [
        leaf_off,
        window("2020-06-01", "2020-10-31"),
        next_year,
    ]
    assert merge_windows([(mapping[0], mapping[1]), (date(2020, 7, 1), date(2020, 7, 2))]) == [mapping]


# -- servers in trouble ---------------------------------------------------------------------------------


@pytest.fixture
def canned() -> Iterator[Canned]:
    server = Canned()
    yield server
    server.close()


def good(day: int = 0) -> dict[str, Any]:
    return earth_search(acquisition(day))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(canned: Canned, status: int, no_pauses: list[float]) -> None:
    canned.api({"features": [good()]})
    page = canned.say["/search"]
    canned.say["/search"] = [(status, {"retry-after": "3"}, b"busy"), (status, {}, b"busy"), *page]
    assert len(select(canned.address).scenes) == 1
    assert no_pauses == [3.0, 2.0]


def test_a_server_that_stays_in_trouble_is_given_up(canned: Canned) -> None:
    canned.api()
    canned.say["/search"] = [(503, {}, b"<html>busy</html>")]
    with pytest.raises(CatalogueError, match=r"is in trouble \(503\); try again later"):
        select(canned.address)
    assert len([asked for asked in canned.asked if asked.endswith("/search")]) == api.TRIES


def test_half_an_answer_is_asked_for_again(canned: Canned) -> None:
    canned.api({"features": [good()]})
    whole = canned.say["/search"][0]
    assert isinstance(whole, tuple)
    half = whole[2][: len(whole[2]) // 2]
    short = (200, JSON | {"content-length": str(len(whole[2]))}, half)
    canned.say["/search"] = [(200, JSON, half), short, whole]
    assert len(select(canned.address).scenes) == 1
    canned.say["/search"] = [(200, JSON, half)]
    with pytest.raises(CatalogueError, match="answers with half of a document"):
        select(canned.address)


def test_a_turn_on_the_same_host_is_taken(canned: Canned) -> None:
    """Many an API sends from /v1 to /v1/."""
    canned.api({"features": [good()]})
    canned.say["/v1/"] = canned.say["/"]
    canned.say["/v1"] = [(307, {"location": f"{canned.address}/v1/"}, b"")]
    canned.say["/v1/collections/sentinel-2-l2a"] = canned.say["/collections/sentinel-2-l2a"]
    canned.say["/v1/collections"] = canned.say["/collections"]
    canned.say["/moved"] = canned.say.pop("/search")
    canned.say["/search"] = [(308, {"location": "/moved"}, b"")]
    assert len(select(f"{canned.address}/v1/").scenes) == 1
    assert canned.asked[-1] == "POST /moved"


def test_nobody_answers(canned: Canned) -> None:
    canned.close()
    with pytest.raises(CatalogueError, match=r"127.0.0.1:\d+: does not answer \(ConnectionError\); try again later"):
        select(canned.address)


# -- what is no STAC API --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {}, b"<!DOCTYPE html><html>hello</html>"), "answers with something that is not JSON; check the address"),
        ((200, JSON, b"[]"), "is no STAC API"),
        ((200, JSON, b'{"hello": "world"}'), "is no STAC API"),
        (
            (200, JSON, b'{"type": "Catalog", "stac_version": "1.0.0", "id": "x", "links": []}'),
            "is a STAC catalogue without a search; download it and give its file",
        ),
        ((404, {}, b""), r"has no such page \(404\); check the address: the root of a STAC API is needed"),
        ((401, {}, b""), r"asks for credentials \(401\)"),
        ((403, JSON, b'{"message": "Forbidden"}'), r"refuses the search \(403: Forbidden\)"),
        ((302, {"location": "file:///etc/passwd"}, b""), "sends to 'file:///etc/passwd' instead of answering"),
        ((302, {"location": "http://169.254.169.254/?x=1"}, b""), "sends to 'http://169.254.169.254/' instead"),
        ((307, {"location": "/"}, b""), "sends round in circles"),
    ],
)
def test_what_is_no_api_is_told_by_its_address(canned: Canned, answer: Any, said: str) -> None:
    canned.say["/"] = [answer]
    with pytest.raises(CatalogueError, match=f"{canned.address}: {said}") as caught:
        select(canned.address)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ((400, JSON, b'{"code": "BadRequest", "description": "bbox is  out\\nof range"}'), "400: bbox is out of range"),
        ((200, JSON, b'{"features": {}}'), "holds no scene"),
        ((200, JSON, b'{"features": [1]}'), "is no list of items"),
        ((200, JSON, b'{"features": "many"}'), "is no list of items"),
        ((200, JSON, b"[]"), "is no STAC"),
        (
            (200, JSON, b'{"features": [{"id": "S2", "type": "Feature"}]}'),
            r"no scene of a known sensor \(1 is JSON but not STAC",
        ),
    ],
)
def test_an_answer_that_is_no_page_of_items(canned: Canned, page: Any, said: str) -> None:
    canned.api()
    canned.say["/search"] = [page]
    with pytest.raises(CatalogueError, match=said) as caught:
        select(canned.address)
    assert "\n" not in str(caught.value)


# -- servers that mean ill ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "/../../etc/passwd",
        "http://169.254.169.254/latest/meta-data?key=secret",
        "http://127.0.0.1:1/search",
        "http://localhost/search",
        "https://elsewhere.example/search",
        "ftp://127.0.0.1/search",
        "gopher://[::1]/",
        "http://[broken",
    ],
)
def test_a_next_page_elsewhere_is_not_followed(canned: Canned, href: str) -> None:
    canned.api({"features": [good()], "links": [{"rel": "next", "href": href}]})
    with pytest.raises(CatalogueError, match=r"leads to .*, which is not its own|no such page|is no STAC") as caught:
        select(canned.address)
    assert "secret" not in str(caught.value)
    assert "root:" not in str(caught.value)


def test_a_search_elsewhere_is_not_followed(canned: Canned) -> None:
    canned.api()
    canned.json("/", {"conformsTo": [], "links": [{"rel": "search", "href": "file:///etc/passwd"}]})
    with pytest.raises(CatalogueError, match=r"leads to 'file:///etc/passwd', which is not its own"):
        select(canned.address)


def test_pages_that_go_round_in_circles_end(canned: Canned) -> None:
    again = {"rel": "next", "href": f"{canned.address}/search", "method": "POST", "body": {}}
    canned.api({"features": [good()], "links": [again]})
    with pytest.raises(CatalogueError, match="gives the same page again and again"):
        select(canned.address)
    assert len(canned.asked) < 10


def test_pages_without_end_end(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_PAGES", 5)
    again = {"rel": "next", "href": f"{canned.address}/search", "method": "POST", "body": {}}
    pages = ({"features": [good(n)], "links": [again]} for n in range(10))
    canned.api(*pages)
    with pytest.raises(CatalogueError, match=r"gives more than 5 pages; choose a smaller \[area\] or \[period\]"):
        select(canned.address)


def test_a_page_that_fills_the_memory_is_not_read_to_its_end(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_BYTES", 100_000)
    canned.api({"features": [good()], "more": "x" * 1_000_000})
    with pytest.raises(CatalogueError, match="answers with more than 100,000 bytes"):
        select(canned.address)


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "/vsicurl/http://169.254.169.254/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/B04.tif",
        "http://0.0.0.0/B04.tif",
        "http://0x7f000001.example:99999/B04.tif",
        "http://user:secret@tiles.example/B04.tif",
        "C:\\B04.tif",
    ],
)
def test_an_item_with_such_an_address_is_left_out_and_told(canned: Canned, href: str) -> None:
    bad = json.loads(json.dumps(good(1)))
    bad["assets"]["red"]["href"] = href
    canned.api({"features": [good(), bad]})
    found = select(canned.address)
    assert names(found) == [good()["id"]]
    assert "which is no address" in found.left_out[bad["id"]]
    assert "secret" not in found.left_out[bad["id"]]


def test_a_public_api_leads_to_no_host_of_this_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API itself may be at home; then its files may be on the same host."""
    public, home = Provider("public", "https://8.8.8.8/v1"), Provider("home", "http://192.168.1.5:8080")
    for href in ("http://127.0.0.1:8080/B04.tif", "http://localhost/B04.tif", "http://192.168.1.5/B04.tif"):
        feature = good() | {"assets": {"red": {"href": href}}}
        with pytest.raises(CatalogueError, match="which is no address"):
            scene_from_item(read_item(feature, public.address), provider=public)
        if "192.168.1.5" in href:
            assert scene_from_item(read_item(feature, home.address), provider=home) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"properties": {"datetime": "2022-13-45"}},
        {"properties": None},
        {"assets": []},
        {"geometry": {"type": "Polygon", "coordinates": []}},
        {"geometry": {"type": "Polygon", "coordinates": [[[None, 1], [2, 2], [3, 3]]]}},
        {"geometry": {"type": "Star"}},
        {"properties": {"datetime": "0001-01-01T00:00:00+14:00", "platform": "sentinel-2a"}},
    ],
)
def test_an_item_that_cannot_be_read_does_not_stop_the_search(canned: Canned, changed: dict[str, Any]) -> None:
    bad = good(1)
    canned.api({"features": [bad | changed, good()]})
    found = select(canned.address)
    assert names(found) == [good()["id"]]
    assert found.left_out[bad["id"]]


def test_an_item_without_what_the_others_have_is_left_out_and_told(canned: Canned) -> None:
    poor = json.loads(json.dumps(good(1)))
    del poor["assets"]["nir08"], poor["assets"]["scl"]
    canned.api({"features": [good(), poor]})
    found = select(canned.address)
    assert found.left_out == {poor["id"]: "lacks nir08, quality"}


def test_a_saved_key_is_not_sent_along_and_no_link_is_followed(canned: Canned) -> None:
    canned.api({"features": [good()]})
    select(canned.address)
    assert {asked.split("?")[0] for asked in canned.asked} <= {
        "GET /",
        "GET /collections",
        "POST /search",
    }


# -- layers that do not change --------------------------------------------------------------------------


def layer_item(name: str, year: int, west: float = 130.0, **said: Any) -> dict[str, Any]:
    item = good()
    footprint = shapely.box(west, 43, west + 1, 44)
    times = {"datetime": None, "start_datetime": f"{year}-01-01T00:00:00Z", "end_datetime": f"{year}-12-31T00:00:00Z"}
    return item | {
        "id": name,
        "collection": "esa-worldcover",
        "geometry": shapely.geometry.mapping(footprint),
        "bbox": list(footprint.bounds),
        "properties": times,
        "assets": {"map": {"href": f"https://tiles.example/{name}.tif"} | said, "input_quality": {"href": "x.tif"}},
    }


def test_a_layer_s_files_are_the_newest_of_each_place(tmp_path: Path) -> None:
    items = [layer_item("old", 2020), layer_item("new", 2021, **{"file:size": 7}), layer_item("east", 2020, 131.0)]
    wide = shapely.box(130.5, 43.2, 131.5, 43.5)
    with stac_api(tmp_path, [*items, good()]) as address:
        provider = replace(PROVIDERS["planetary-computer"], address=address)
        found = search_layer(provider, "worldcover", area=wide)
        assert [asset.href for asset in found] == ["https://tiles.example/new.tif", "https://tiles.example/east.tif"]
        assert found[0].size == 7
        with pytest.raises(CatalogueError, match="planetary-computer: has nothing of its layer 'worldcover' there"):
            search_layer(provider, "worldcover", area=shapely.box(0, 0, 1, 1))


def test_a_layer_that_a_provider_has_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"earth-search: has no layer 'worldcover'; it has dem: change"):
        search_layer(PROVIDERS["earth-search"], "worldcover", area=AREA)
    with pytest.raises(CatalogueError, match=r"nasa-hls: has no layer 'dem'; it has none"):
        search_layer(PROVIDERS["nasa-hls"], "dem", area=AREA)


# -- providers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_is_known_by_name_and_by_address(name: str) -> None:
    provider = PROVIDERS[name]
    for source in (name, provider.address, f"{provider.address}/", f"{provider.address}/search"):
        assert names_provider(source)
        assert provider_for(source) is provider


def test_any_other_address_is_a_provider_of_its_own() -> None:
    made = provider_for("HTTPS://STAC.Example/api/")
    assert made == Provider(name="https://stac.example/api", address="https://stac.example/api")
    assert not names_provider("catalog.json")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("earth-serach", "did you mean 'earth-search'?"),
        ("s3://bucket/catalog.json", "known are earth-search, planetary-computer"),
        ("file:///etc/passwd", "no address of a STAC API"),
        ("https://", "no address of a STAC API"),
        ("https://user:secret@stac.example", "stac.example: carries more than the address"),
        ("https://stac.example/v1?token=secret", "stac.example: carries more than the address"),
    ],
)
def test_what_is_no_provider(source: str, said: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        provider_for(source)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


# -- whatever stands in an item ------------------------------------------------------------------------

JUNK: tuple[Any, ...] = (
    None,
    0,
    -1,
    1.5,
    True,
    "",
    "x",
    [],
    {},
    [None],
    [1, 2],
    {"a": 1},
    [[]],
    [{}],
    "\ud800",
    "\x00",
)
NO_NUMBERS = (float("nan"), float("inf"))
JUNK_TIMES = ("2020-13-45", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
JUNK_PLACES = ({"type": "Point"}, {"type": "Polygon", "coordinates": []}, {"type": "Polygon", "coordinates": [[[1]]]})


def places_in(thing: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to each value of a document."""
    parts = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    return [path, *(place for key, part in parts for place in places_in(part, (*path, key)))]


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(STYLES)),
    st.integers(0, 10**6),
    st.sampled_from((*JUNK, *NO_NUMBERS, *JUNK_TIMES, *JUNK_PLACES)),
)
def test_whatever_stands_in_an_item_is_a_scene_or_is_told(name: str, place: int, junk: Any) -> None:
    style = STYLES[name]
    document = style.describe(Acquisition(WHEN, grids_of(style), "https://tiles.example/0", style.tile, style.platform))
    places = places_in(document)[1:]
    *way, last = places[place % len(places)]
    part: Any = document
    for key in way:
        part = part[key]
    part[last] = junk
    try:
        item = read_item(document, "https://api.example/item")
        scene = scene_from_item(item, provider=PROVIDERS[name])
    except CatalogueError:
        return
    if scene is not None:
        assert older_processings([scene]) == {}
        assert seen_by_neighbours([scene], AREA) == {}
