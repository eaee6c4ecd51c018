"""From a STAC API on the web to a run that needs it no more: the same pixels as from files that were always here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from terminal import run
from tiles.server import TileServer, first
from tiles.stac_server import stac_api

from habitat.recipe import read_recipe
from habitat.store import digest_file
from habitat.tiles import PROVIDERS, Provider
from habitat.workflow.context import Plan
from habitat.workflow.downloads import _request

pytestmark = pytest.mark.slow


@pytest.fixture
def web(land: Path) -> Iterator[TileServer]:
    """The landscape's scenes on a web server."""
    with TileServer(land / "scenes") as server:
        yield server


@pytest.fixture
def api(land: Path, web: TileServer, tmp_path: Path) -> Iterator[str]:
    """The landscape's items in a STAC API, naming the files on the web; returns the API's address."""
    with stac_api(tmp_path / "api", [_on_the_web(path, land, web) for path in _items(land)]) as address:
        yield address


def _items(land: Path) -> list[Path]:
    return sorted(path for path in (land / "scenes").glob("*/*/*.json") if path.stem == path.parent.name)


def _used(land: Path) -> list[Path]:
    """Items of the scenes that the landscape's run used."""
    state = json.loads((land / "run" / "run.json").read_text(encoding="utf-8"))
    used = {scene["id"] for scene in state["stages"]["composite"]["notes"]["scenes"]}
    return [path for path in _items(land) if path.stem in used]


def _on_the_web(path: Path, land: Path, web: TileServer) -> dict[str, Any]:
    item: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) | {"links": []}
    for asset in item["assets"].values():
        asset["href"] = web.href(path.parent / asset["href"])
    return item


def recipe_for(land: Path, source: str, more: str = "") -> Path:
    """The landscape's recipe with another source of scenes, and a folder of its own for them and for the run."""
    text = (land / "recipe.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^source = .*$", f'source = "{source}"\nfolder = "fetched"\n{more}', text)
    text = re.sub(r'(?m)^folder = "run".*$', 'folder = "run_web"', text)
    path = land / "web.toml"
    path.write_text(text, encoding="utf-8")
    return path


def composites(folder: Path) -> dict[str, str]:
    return {path.name: digest_file(path) for path in sorted((folder / "composites").glob("*.tif"))}


def test_a_run_from_the_web_gives_the_pixels_of_a_run_from_files(land: Path, web: TileServer, api: str) -> None:
    recipe = recipe_for(land, api)
    said = run("check", recipe)
    assert said.status == 0, said.err
    assert "not fetched yet: `habitat fetch` brings" in said.out
    assert not (land / "fetched").exists()

    said = run("fetch", recipe)
    assert said.status == 0, said.err
    assert said.out.strip().endswith("catalog.json")
    asked = len(web.asked())
    assert asked > 0

    said = run("composite", recipe)
    assert said.status == 0, said.err
    assert len(web.asked()) == asked, "what is here is not asked for again"
    assert composites(land / "run_web") == composites(land / "run")


def test_what_was_fetched_needs_no_web_any_more(land: Path, tmp_path: Path) -> None:
    with TileServer(land / "scenes") as web:
        items = [_on_the_web(path, land, web) for path in _items(land)]
        with stac_api(tmp_path / "api", items) as address:
            recipe = recipe_for(land, address)
            assert run("composite", recipe).status == 0, "a run fetches by itself"
    said = run("composite", recipe)
    assert (said.status, said.out.splitlines()[0]) == (0, "nothing to do: all 1 stages are up to date")
    said = run("check", recipe)
    assert said.status == 0, said.err
    assert "fetched into" in said.out


def test_a_hole_stops_the_run_or_is_shown_and_is_never_nodata(land: Path, web: TileServer, api: str) -> None:
    lost = _used(land)[0].parent
    (lost / "red.tif").unlink()
    said = run("fetch", recipe_for(land, api))
    assert said.status == 1
    assert lost.name in said.err
    assert "404" in said.err

    recipe = recipe_for(land, api, 'on_missing = "report"')
    said = run("run", recipe)
    assert said.status == 0, said.err
    assert "could not be had" in said.err
    notes = json.loads((land / "run_web" / "run.json").read_text(encoding="utf-8"))["stages"]["composite"]["notes"]
    assert [hole["scene"] for hole in notes["missing"]] == [lost.name]
    assert lost.name not in {scene["id"] for scene in notes["scenes"]}
    assert f"<code>{lost.name}</code>" in (land / "run_web" / "report.html").read_text(encoding="utf-8")


def test_a_server_in_trouble_is_asked_again(land: Path, web: TileServer, api: str) -> None:
    web.fault = first(3, "503")
    assert run("composite", recipe_for(land, api)).status == 0
    assert composites(land / "run_web") == composites(land / "run")


def test_what_a_catalogue_says_of_other_machines_is_not_followed(land: Path, web: TileServer, tmp_path: Path) -> None:
    items = [_on_the_web(path, land, web) for path in _items(land)]
    used = next(item for item in items if item["id"] == _used(land)[0].stem)
    used["assets"]["red"]["href"] = "http://127.0.0.2:1/red.tif"
    with stac_api(tmp_path / "api", items) as address:
        said = run("check", recipe_for(land, address), "--scenes")
    assert said.status == 0
    left_out = said.out.split("left out\n")[1]
    assert f"{used['id']}: " in left_out
    assert "leads to 127.0.0.2, a loopback address" in left_out


def test_a_recipe_whose_files_are_all_here_has_nothing_to_fetch(land: Path) -> None:
    said = run("fetch", land / "recipe.toml")
    assert said.status == 1
    assert "names no file on the web: there is nothing to fetch; run the recipe as it is" in said.err


def test_check_says_who_pays_for_the_download(land: Path, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = replace(PROVIDERS["earth-search"], address=api)
    monkeypatch.setitem(cast(dict[str, Provider], PROVIDERS), "earth-search", preset)
    said = run("check", recipe_for(land, "earth-search"))
    assert said.status == 0, said.err
    assert "landsat-c2-l2: whoever downloads it pays the transfer (requester pays)" in said.err
    assert "sentinel-2-l2a: whoever" not in said.err


def test_a_misspelt_catalogue_is_told_from_a_missing_file(land: Path) -> None:
    said = run("check", recipe_for(land, "earth-serch"))
    assert said.status == 1
    assert "'earth-serch' is no file here and no catalogue's name; did you mean 'earth-search'?" in said.err


def test_an_item_that_changes_deep_in_a_catalogue_is_another_request(land: Path) -> None:
    before = _request(Plan(read_recipe(land / "recipe.toml")))
    assert _request(Plan(read_recipe(land / "recipe.toml"))) == before
    path = _used(land)[0]
    item = json.loads(path.read_text(encoding="utf-8"))
    item["assets"]["red"]["file:size"] = 12345
    path.write_text(json.dumps(item), encoding="utf-8")
    assert _request(Plan(read_recipe(land / "recipe.toml"))) != before


@pytest.mark.parametrize(
    ("layers", "source", "expected"),
    [
        ('["foo"]', None, "unknown layer 'foo'; known are dem, worldcover"),
        ('["worldcvoer"]', None, "did you mean 'worldcover'? known are dem, worldcover"),
        ('["dem"]', None, "layer 'dem' needs a catalogue on the web, and the source is on this machine"),
        ('["worldcover"]', "earth-search", "earth-search has no layer 'worldcover'; it has dem: remove it"),
    ],
)
@pytest.mark.parametrize("command", ["check", "fetch", "composite"])
def test_a_layer_that_cannot_be_had_is_an_error_before_anything_is_asked(
    land: Path, command: str, layers: str, source: str | None, expected: str
) -> None:
    recipe = recipe_for(land, source or (land / "scenes" / "catalog.json").as_posix(), f"layers = {layers}")
    said = run(command, recipe)
    assert said.status == 1, said.out
    assert expected in said.err
