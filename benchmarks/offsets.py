"""Whether Sentinel-2's radiometric offset is decided rightly: five styles of metadata, real and simulated scenes.

    HABITAT_REALDATA=FOLDER python benchmarks/offsets.py [WORK_FOLDER]

FOLDER holds `realdata/romania` (140 real dates of 1 x 1 km whose numbers carry no offset) and `realdata/s2-29RKH` (one
real tile of desert). Cases that carry the offset are the same numbers plus 1000 wherever something is measured. Every
second date of Romania and the simulator's seeds 0 to 3 served for the weights in `habitat/tiles/clues.py`; what is
counted here are the other dates and seeds 100 to 109.

A case is one scene in one composition (`KINDS`), under one style of metadata (`STYLES`). It is right if its offset is
the true one and its red, as float32 reflectance, equals the truth in every pixel. For the record, what odc-stac
gives for the same styles stands beside it, if odc-stac is installed.

Prints a table and writes `offsets.md` and `offsets.csv` into `benchmarks/results/`.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import rasterio
from odc.geo.geobox import GeoBox

from habitat.sensors import SENTINEL2
from habitat.tiles.items import declared_offset
from habitat.tiles.radiometry import settle_offsets
from habitat.tiles.scenes import Asset, OffsetClaims, Scene

SEEDS = range(100, 110)
ROMANIA = {"blue": "B02", "green": "B03", "red": "B04", "nir08": "B8A", "swir16": "B11"}
TINY = ((slice(3, 13), slice(5, 15)), (slice(30, 40), slice(28, 38)))
"""Two windows of 10 x 10 pixels of 20 m: 20 x 20 of 10 m."""
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Style:
    """One way in which a catalogue speaks of the offset."""

    name: str
    claims: OffsetClaims
    carries: bool
    """Whether the numbers carry the offset."""
    collection: str | None = "sentinel-2-l2a"
    extra: bool = False
    """Beside the five styles of the task."""


STYLES = (
    Style("unstated, baseline known", OffsetClaims((5, 9)), True),
    Style("unstated, nothing known", OffsetClaims(), True),
    Style("stated", OffsetClaims((5, 9), None, -0.1), True, "sentinel-2-c1-l2a"),
    Style("taken out, flag true", OffsetClaims((5, 9), True, -0.1), False),
    Style("taken out, flag false", OffsetClaims((5, 9), False, -0.1), False),
    Style("raw .SAFE", OffsetClaims((5, 11), None, -0.1), True, None),
    Style("flag true, still in", OffsetClaims((5, 9), True, -0.1), True, extra=True),
    Style("flag false, still in", OffsetClaims((5, 9), False, -0.1), True, extra=True),
    Style("before 04.00", OffsetClaims((2, 12), False, 0.0), False, extra=True),
)
FIVE = tuple(style for style in STYLES if not style.extra)


class Case(NamedTuple):
    """A scene to be judged, and what is true of it."""

    scene: Scene
    style: str
    carries: bool


@dataclass(frozen=True)
class Source:
    """A series of scenes, each with its numbers."""

    name: str
    grid: GeoBox
    scenes: tuple[Scene, ...]
    """Their files carry no offset."""


# -- scenes -------------------------------------------------------------------------------------------------


def romania(data: Path, dates: slice = slice(1, None, 2)) -> Source:
    """Every second date, which no weight was chosen on."""
    folders = sorted(data.glob("sentinel-2-l2a/S2_*"))[dates]
    scenes = tuple(_scene(f, ROMANIA, "SCL") for f in folders)
    return Source("Romania", _grid(scenes[0]), scenes)


def simulated(folder: Path) -> Source:
    """The Sentinel-2 scenes of a simulated landscape."""
    bands = {band: band for band in SENTINEL2.bands}
    folders = sorted(folder.glob("scenes/sentinel-2-l2a/S2*"), key=lambda f: f.name.split("_")[2])
    scenes = tuple(_scene(f, bands, "scl") for f in folders)
    return Source(f"simulated {folder.name}", _grid(scenes[0]), scenes)


def desert(data: Path) -> Source:
    """One real tile of sand."""
    scene = _scene(data / "S2A_29RKH_20200219_0_L2A", ROMANIA | {"swir22": "B12"}, "SCL")
    return Source("desert", _grid(scene), (scene,))


def _scene(folder: Path, bands: dict[str, str], quality: str) -> Scene:
    day = datetime.strptime(folder.name.split("_")[2], "%Y%m%d").replace(tzinfo=UTC)
    found = {band: Asset(str(folder / f"{name}.tif"), 0.0001) for band, name in bands.items()}
    return Scene(folder.name, SENTINEL2, day, None, None, found, Asset(str(folder / f"{quality}.tif")))


def _grid(scene: Scene) -> GeoBox:
    assert scene.quality is not None
    with rasterio.open(scene.quality.href) as file:
        return GeoBox.from_rio(file)


Change = Callable[[str, np.ndarray], np.ndarray]
"""From a band's name and numbers to other numbers; 0 is nodata."""


def rewritten(scene: Scene, folder: Path, change: Change) -> Scene:
    """The scene with changed numbers, in files of its own."""
    home = folder / scene.id
    home.mkdir(parents=True, exist_ok=True)
    moved = {}
    for band, asset in scene.assets.items():
        path = home / f"{band}.tif"
        if not path.exists():
            with rasterio.open(asset.href) as file:
                profile, numbers = file.profile, file.read(1)
            with rasterio.open(path, "w", **profile) as out:
                out.write(change(band, numbers), 1)
        moved[band] = replace(asset, href=str(path))
    quality = moved.pop("quality", None)
    return replace(scene, bands=moved, quality=quality)


def with_offset(band: str, numbers: np.ndarray) -> np.ndarray:
    """Add 1000 to what is measured."""
    return numbers if band == "quality" else np.where(numbers > 0, numbers + 1000, 0).astype(numbers.dtype)


def cut_off(band: str, numbers: np.ndarray) -> np.ndarray:
    """Darken by 0.01, as an overcorrected scene, and cut what falls below 0 off at 0, which is nodata."""
    return numbers if band == "quality" else np.clip(numbers.astype(int) - 100, 0, None).astype(numbers.dtype)


def cut_off_at_1(band: str, numbers: np.ndarray) -> np.ndarray:
    """The same, cut off at 1."""
    return numbers if band == "quality" else np.clip(numbers.astype(int) - 100, 1, None).astype(numbers.dtype)


def half_swath(_band: str, numbers: np.ndarray) -> np.ndarray:
    """Nothing is measured in the north-western 70%."""
    high, wide = numbers.shape
    row, col = np.mgrid[:high, :wide]
    return np.where(row / high + col / wide < 1.22, 0, numbers).astype(numbers.dtype)


def cleared(band: str, numbers: np.ndarray) -> np.ndarray:
    """A clearcut over the western 40%: bright in red and shortwave infrared, dark in the near infrared."""
    if band == "quality":
        return numbers
    by = {"blue": 250, "green": 400, "red": 800, "nir08": -900, "swir16": 1200, "swir22": 900}[band]
    cut = np.arange(numbers.shape[1]) < 0.4 * numbers.shape[1]
    return np.where(cut[None, :], np.clip(numbers.astype(int) + by, 1, None), numbers).astype(numbers.dtype)


class Versions:
    """The same scenes with and without the offset, and otherwise changed; written once."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source, self.folder = source, folder

    def __call__(self, scene: Scene, style: Style, change: Change | None = None) -> Case:
        """One scene as a style has it."""
        if change is not None:
            scene = rewritten(scene, self.folder / change.__name__, change)
        if style.carries:
            scene = rewritten(scene, self.folder / f"{change.__name__ if change else 'plain'}-offset", with_offset)
        declared = declared_offset(style.claims)
        bands = {band: replace(asset, offset=declared) for band, asset in scene.bands.items()}
        claimed = replace(scene, bands=bands, claims=style.claims, collection=style.collection)
        return Case(claimed, style.name, style.carries)


# -- compositions ------------------------------------------------------------------------------------------------

Judged = tuple[str, list[Case], GeoBox]
"""Kind, the scenes judged together, and the area."""


def compositions(make: Versions, *, thin: int = 1) -> Iterator[Judged]:
    """All compositions of one source; `thin` takes every so many scenes."""
    grid, scenes = make.source.grid, make.source.scenes[::thin]
    for style in STYLES:
        yield "series", [make(scene, style) for scene in scenes], grid
        yield "series without SCL", [_without_scl(make(scene, style)) for scene in scenes], grid
        yield "half a swath", [make(scene, style, half_swath) for scene in scenes], grid
        yield "clearcut", [make(s, style, cleared if k > len(scenes) / 2 else None) for k, s in enumerate(scenes)], grid
        winter = [make(scene, style) for scene in scenes if scene.time.month in (11, 12, 1, 2, 3)]
        if winter:
            yield "winter only", winter, grid
        for window in TINY:
            yield "tiny", [make(scene, style) for scene in scenes], grid[window]
        for scene in scenes:
            yield "single", [make(scene, style)], grid
            yield "single without SCL", [_without_scl(make(scene, style))], grid
            yield "single and tiny", [make(scene, style)], grid[TINY[0]]
        if not style.carries:
            for change in (cut_off, cut_off_at_1):
                yield "clipped darks", [make(scene, style, change) for scene in scenes], grid
    yield from _mixed(make, scenes)


def _mixed(make: Versions, scenes: Sequence[Scene]) -> Iterator[Judged]:
    """Styles in turn, all old dates said to be of a new baseline, and lies among truths."""
    grid = make.source.grid
    for first in range(len(FIVE)):
        yield "mixed styles", [make(s, FIVE[(first + k) % len(FIVE)]) for k, s in enumerate(scenes)], grid
    old = replace(STYLES[0], name="reprocessed old date", claims=OffsetClaims((5, 0)))
    before = STYLES[-1]
    yield "reprocessed among old", [make(s, old if k % 3 == 0 else before) for k, s in enumerate(scenes)], grid
    for lie, truth in ((STYLES[4], STYLES[7]), (STYLES[6], STYLES[3])):
        for every in (2, 5):
            mixed = [make(s, lie if k % every == 0 else truth) for k, s in enumerate(scenes)]
            yield "one flag, half of it lies" if every == 2 else "one flag, a fifth lies", mixed, grid


def _without_scl(case: Case) -> Case:
    return case._replace(scene=replace(case.scene, quality=None))


def sky(scene: Scene) -> str:
    """What its own classes say of a scene."""
    if scene.quality is None:
        return "no classes"
    with rasterio.open(scene.quality.href) as file:
        codes = file.read(1)
    codes = codes[codes > 0]
    if np.isin(codes, (8, 9, 10)).mean() >= 0.95:
        return "all cloud"
    return "snow" if (codes == 11).mean() >= 0.05 else "other"


# -- judging -------------------------------------------------------------------------------------------------------


def judge(composed: Judged, source: str) -> list[dict[str, Any]]:
    """What became of each scene of a composition."""
    kind, cases, grid = composed
    settled = settle_offsets([case.scene for case in cases], grid)
    read = {scene.id: scene for scene in settled.scenes}
    rows = []
    for case in cases:
        true = -0.1 if case.carries else 0.0
        row = {"source": source, "kind": kind, "style": case.style, "id": case.scene.id, "true": true}
        row |= {"sky": sky(case.scene), "decided": None, "by": "refused", "corrected": False, "weight": np.nan}
        if case.scene.id in settled.findings:
            finding = settled.findings[case.scene.id]
            same = _red(read[case.scene.id]) == _red(_as_it_is(case.scene, true))
            row |= {"decided": finding.offset, "by": finding.source, "corrected": finding.corrected}
            row |= {"weight": finding.weight, "equal": same}
        rows.append(row)
    return rows


def _as_it_is(scene: Scene, offset: float) -> Scene:
    return replace(scene, bands={name: replace(asset, offset=offset) for name, asset in scene.bands.items()})


def _red(scene: Scene) -> bytes:
    """Reflectance of red as the reader computes it, to the last bit."""
    asset = scene.bands["red"]
    with rasterio.open(asset.href) as file:
        numbers = file.read(1)
    return bytes((numbers * np.float32(asset.scale) + np.float32(asset.offset)).tobytes())


def outcome(table: pd.DataFrame) -> pd.Series:
    """Right, refused or wrong; a scene of which nothing is measured counts as right."""
    empty = table["by"] == "nothing"
    right = empty | ((table["decided"] == table["true"]) & (table["equal"] == True))  # noqa: E712 - NaN where refused
    return pd.Series(np.where(table["by"] == "refused", "refused", np.where(right, "right", "WRONG")), table.index)


def summary(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Counts of outcomes."""
    rows: dict[Any, dict[str, Any]] = {}
    for key, group in table.groupby(list(by), sort=False):
        what = group["outcome"]
        rows[key] = {
            "cases": len(group),
            "right": int((what == "right").sum()),
            "corrected": int(group["corrected"].sum()),
            "refused": int((what == "refused").sum()),
            "wrong": int((what == "WRONG").sum()),
            "refused %": round(100 * float((what == "refused").mean()), 1),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index.names = list(by)
    return frame.reset_index()


# -- for the record --------------------------------------------------------------------------------------------


def odc_stac_jump(make: Versions) -> dict[str, float] | None:
    """Median red that odc-stac gives with the item's own claims, less the truth, by style; None if not installed."""
    import pystac

    try:
        stac: Any = importlib.import_module("odc.stac")
    except ImportError:
        return None
    clear = next(scene for scene in make.source.scenes if sky(scene) == "other")
    jumps = {}
    for style in FIVE:
        scene = make(clear, style).scene
        band = {"nodata": 0, "scale": 0.0001, "data_type": "uint16"}
        band |= {} if style.claims.stated is None else {"offset": style.claims.stated}
        footprint = make.source.grid.geographic_extent
        item = pystac.Item(scene.id, footprint.json, list(footprint.boundingbox), scene.time, {})
        item.stac_extensions = ["https://stac-extensions.github.io/raster/v1.1.0/schema.json"]
        asset = pystac.Asset(scene.bands["red"].href, media_type="image/tiff", extra_fields={"raster:bands": [band]})
        item.add_asset("red", asset)
        loaded = stac.load([item], bands=["red"], geobox=make.source.grid)["red"].values[0]
        true = stac.load([_plain(item, clear)], bands=["red"], geobox=make.source.grid)["red"].values[0]
        jumps[style.name] = round(float(np.median(loaded * 0.0001) - np.median(true * 0.0001)), 4)
    return jumps


def _plain(item: Any, scene: Scene) -> Any:
    plain = item.clone()
    plain.assets["red"].href = scene.bands["red"].href
    return plain


# -- all of it -------------------------------------------------------------------------------------------------


def run(data: Path, work: Path) -> tuple[pd.DataFrame, dict[str, float] | None, float]:
    """Judge all cases; also what odc-stac does, and CPU milliseconds a scene."""
    from habitat.simulate import write_sample

    sources = [romania(data / "romania"), desert(data / "s2-29RKH")]
    for seed in SEEDS:
        folder = work / f"simulated-{seed}"
        if not folder.exists():
            write_sample(folder, size_km=0.9, seed=seed, years=range(2019, 2023))
        sources.append(simulated(folder))
    rows: list[dict[str, Any]] = []
    begun = process_time()
    makers = [Versions(source, work / f"versions-{source.name}".replace(" ", "-")) for source in sources]
    for make in makers:
        for composed in compositions(make):
            rows += judge(composed, make.source.name.split()[0])
    spent = 1000 * (process_time() - begun) / len(rows)
    table = pd.DataFrame(rows)
    table["outcome"] = outcome(table)
    return table, odc_stac_jump(makers[0]), spent


def cost_ms(data: Path, work: Path) -> dict[str, float]:
    """CPU milliseconds a scene: one square kilometre in series, and a whole (thinned) tile."""
    make = Versions(romania(data / "romania"), work / "versions-Romania")
    tile = Versions(desert(data / "s2-29RKH"), work / "versions-desert")
    costs = {}
    for name, each in (("1 x 1 km", make), ("tile of 1098 x 1098", tile)):
        scenes = [each(scene, STYLES[4]).scene for scene in each.source.scenes]
        with ThreadPoolExecutor(1) as executor:
            begun = process_time()
            settle_offsets(scenes, each.source.grid, executor=executor)
            costs[name] = round(1000 * (process_time() - begun) / len(scenes), 1)
    return costs


def _markdown(table: pd.DataFrame, jumps: dict[str, float] | None, costs: dict[str, float]) -> str:
    five = table[table["style"].isin([style.name for style in FIVE])]
    parts = ["# Sentinel-2's radiometric offset, decided from the pixels\n", "Made by `benchmarks/offsets.py`.\n"]
    parts.append(
        "Dates of Romania with an even place in the list and seeds 0 to 3 served for the weights; counted are the "
        "others and seeds 100 to 109. The levels of all 140 dates had been looked at before the method was chosen, and "
        "one wrong decision on a counted date (snow, whose shortwave infrared is 0.08) led to snow no longer being "
        "taken for dark: the counted dates are not untouched. Refusals among them were counted three times while the "
        "clue of dense leaves was chosen.\n\n"
        "`flag true, still in` is believed where no pixel and no other scene can tell: no such item is known, and "
        "all that is wrong below is of this kind.\n"
    )
    for title, part, by in (
        ("The five styles", five, ["style"]),
        ("The five styles, in a series and alone", five.assign(judged=_judged(five)), ["judged", "style"]),
        ("The five styles, by source and kind", five, ["source", "kind"]),
        ("Real scenes by sky and kind", five[five["source"] == "Romania"], ["sky", "kind"]),
        ("Every style and kind", table, ["source", "style", "kind"]),
        ("By what was decided, all styles", table, ["by"]),
    ):
        counted = summary(part, by)
        total = summary(part.assign(all="all"), ["all"]).iloc[0]
        said = f"{total['cases']} cases: {total['right']} right, {total['wrong']} wrong, {total['refused %']}% refused."
        parts += [f"## {title}\n", said + "\n", _rows(counted)]
    parts.append("## Cost\n")
    parts.append("CPU milliseconds a scene: " + ", ".join(f"{name} {ms}" for name, ms in costs.items()) + ".\n")
    parts.append("## For the record: odc-stac\n")
    if jumps is None:
        parts.append("odc-stac is not installed here.\n")
    else:
        said = (
            "Median red of one clear scene as loaded (numbers x 0.0001) less the truth; odc-stac applies no offset.\n"
        )
        parts += [said, _rows(pd.DataFrame({"style": jumps.keys(), "jump in red": jumps.values()}))]
    return "\n".join(parts)


def _judged(table: pd.DataFrame) -> pd.Series:
    alone = table["kind"].str.startswith("single") | (table["source"] == "desert")
    return alone.map({True: "alone", False: "in a series"})


def _rows(table: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the study."""
    data = Path(os.environ["HABITAT_REALDATA"]) / "realdata"
    with tempfile.TemporaryDirectory() as thrown_away:
        work = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(thrown_away)
        table, jumps, _ = run(data, work)
        text = _markdown(table, jumps, cost_ms(data, work))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "offsets.md").write_text(text)
    summary(table, ["source", "kind", "style", "sky"]).to_csv(RESULTS / "offsets.csv", index=False)
    print(text)


if __name__ == "__main__":
    main()
