"""The interpreters' page holds every place's pictures and series, nothing of the map, and needs nobody."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from fabricated import Story, fabricate
from PIL import Image
from test_browser import BROWSER, open_page

from habitat.report import write_sheet_page
from habitat.report.chips import png
from habitat.store import read_raster, write_table

YEARS = (2019, 2020, 2021)
ROWS, COLS = np.array([30, 2, 59]), np.array([20, 1, 40])


@pytest.fixture(scope="module")
def run_with_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fabricate(tmp_path_factory.mktemp("sheet") / "run", Story(name='Val "</script><b>', size=60, years=YEARS))
    _, grid = read_raster(folder / "composites" / "2019.tif")
    x, y = grid.transform @ (COLS + 0.5, ROWS + 0.5)
    table = {"point": ["abc123-0001", "abc123-0002", "abc123-0003"], "stratum": ["loss", "forest", "forest"]}
    table |= {"row": ROWS, "col": COLS}
    sample = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=str(grid.crs))
    write_table(folder / "assess" / "sample.parquet", sample)
    write_sheet_page(folder, classes="forest", chip_m=420)
    return folder


def text_of(folder: Path) -> str:
    return (folder / "assess" / "sheet.html").read_text(encoding="utf-8")


def data_of(folder: Path) -> dict:
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', text_of(folder), flags=re.S)[1])


def test_the_page_loads_nothing_and_runs_one_script_that_it_vouches_for(run_with_sample: Path) -> None:
    text = text_of(run_with_sample)
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.S)
    assert len(scripts) == 1
    known = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{known}'"
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_name_cannot_end_the_script(run_with_sample: Path) -> None:
    assert "</script><b>" not in text_of(run_with_sample)


def test_the_page_does_not_know_what_the_map_says(run_with_sample: Path) -> None:
    content = data_of(run_with_sample)
    assert set(content) == {"sample", "years", "side", "classes", "points"}
    assert {key for point in content["points"] for key in point} == {"id", "lat", "lon", "chips", "ndvi", "ndmi"}


def test_series_are_those_of_the_very_pixel(run_with_sample: Path) -> None:
    for number, point in enumerate(data_of(run_with_sample)["points"]):
        for at, year in enumerate(YEARS):
            bands = read_raster(run_with_sample / "composites" / f"{year}.tif")[0][:, ROWS[number], COLS[number]]
            _, _, red, nir, swir = bands[:5].astype(float)
            unseen = red == -32768
            assert point["ndvi"][at] == (None if unseen else pytest.approx((nir - red) / (nir + red), abs=6e-4))
            assert point["ndmi"][at] == (None if unseen else pytest.approx((nir - swir) / (nir + swir), abs=6e-4))


def test_pictures_are_a_row_of_years_in_each_of_two_colours_around_the_pixel(run_with_sample: Path) -> None:
    content = data_of(run_with_sample)
    assert content["side"] == 21, "420 m of 20 m, and the pixel in the middle"
    for point in content["points"]:
        picture = Image.open(io.BytesIO(base64.b64decode(point["chips"].partition(",")[2])))
        assert picture.size == (3 * 21, 2 * 21)
    corner = np.asarray(Image.open(io.BytesIO(base64.b64decode(content["points"][1]["chips"].partition(",")[2]))))
    assert (corner[0, 0] == corner[7, 0]).all(), "beyond the map it is grey"
    assert not (corner[12, 12] == corner[0, 0]).all()


def test_pngs_hold_the_pixels_that_they_were_given() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 11, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)


def test_every_class_of_a_legend_has_a_key_of_its_own(run_with_sample: Path) -> None:
    write_sheet_page(run_with_sample, classes="legend", chip_m=420)
    keys = [c["key"] for c in data_of(run_with_sample)["classes"]]
    write_sheet_page(run_with_sample, classes="forest", chip_m=420)
    assert len(set(keys)) == len(keys) == 13
    assert not set(keys) & set("hno?123")


_NO_PAGE = """
class Element {
  constructor() { this.children = []; this.style = {}; this.classList = { toggle() {} }; this.clientWidth = 100; }
  get parentElement() { return new Element(); }
  append() {} after() {} blur() {} focus() {} setAttribute() {} addEventListener() {}
  replaceChildren(...children) { this.children = children; }
  querySelector() { return new Element(); }
  querySelectorAll() { return []; }
}
const elements = { data: { textContent: process.argv[1] } };
let press;
globalThis.HTMLButtonElement = class {};
globalThis.localStorage = { getItem: () => null, setItem() {} };
globalThis.window = { addEventListener() {} };
globalThis.document = {
  getElementById: (id) => (elements[id] ||= new Element()),
  createElement: () => new Element(),
  createElementNS: () => new Element(),
  addEventListener: (kind, act) => { press = act; },
};
"""
"""As much of a browser as the page's script asks for, so that its keys can be pressed."""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("keys", "codes"),
    [
        (["f"], "F,F,F"),
        (["f", "ArrowRight", "n"], "F,N,N"),
        (["ArrowRight", "n"], ",N,N"),
        (["f", "ArrowRight", "shift+N"], "F,N,F"),
        (["f", "ArrowRight", "shift+?"], "F,?,?"),
        (["f", "ArrowRight", "shift+alt+?"], "F,?,F"),
        (["ArrowRight", "shift+N"], ",N,"),
    ],
)
def test_a_key_answers_from_the_chosen_year_on_or_for_it_alone(
    run_with_sample: Path, keys: list[str], codes: str
) -> None:
    script = re.search(r"<script>(.*?)</script>", text_of(run_with_sample), flags=re.S)[1]
    presses = [
        {"key": key.rpartition("+")[2], "shiftKey": "shift+" in key, "altKey": "alt+" in key, "target": None}
        for key in keys
    ]
    acts = f"for (const e of {json.dumps(presses)}) press({{ ...e, preventDefault() {{}} }});"
    whole = f"{_NO_PAGE}\n{script}\n{acts}\nconsole.log(window.sheet.toCsv());"
    command = ["node", "-e", whole, json.dumps(data_of(run_with_sample) | {"points": _bare(run_with_sample)})]
    said = subprocess.run(command, capture_output=True, timeout=60, check=True, text=True).stdout.splitlines()
    assert ",".join(said[1].split(",")[3:6]) == codes


def _bare(folder: Path) -> list[dict]:
    """The places without their pictures: a command line is short."""
    return [point | {"chips": ""} for point in data_of(folder)["points"]]


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no chromium is installed: apt-get install chromium")
def test_a_browser_draws_the_first_place(run_with_sample: Path, tmp_path: Path) -> None:
    shot = tmp_path / "sheet.png"
    page = run_with_sample / "assess" / "sheet.html"
    open_page(page, f"--screenshot={shot}", "--window-size=1100,900", profile=tmp_path / "profile")
    colors = Image.open(shot).convert("RGB").getcolors(maxcolors=2**24)
    assert colors is not None
    assert len(colors) > 200
