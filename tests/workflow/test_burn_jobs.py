"""Parts of a run that looks for burns: what ground is, how squares are cut, what is told of each burn, its layers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr

from habitat.cubes import BANDS
from habitat.errors import RecipeError
from habitat.grids import Block, grid_over
from habitat.legend import DEFAULT_LEGEND, LandCover, Legend
from habitat.workflow import burns as burning
from habitat.workflow import fires
from habitat.workflow.changes import find_change
from habitat.workflow.ground import Ground

CROP = 30


def test_a_legend_says_by_its_names_what_burns() -> None:
    ground = Ground.of(DEFAULT_LEGEND)
    assert ground.forest == {11, 12, 13, 14, 15}
    assert ground.field == {CROP}
    assert ground.open == {21, 22, 23, 40, 60}
    own = Legend((LandCover(1, "Spruce", "#000000", True), LandCover(2, "Rice paddies", "#ffffff", False)))
    assert Ground.of(own) == Ground(frozenset({1}), frozenset(), frozenset({2}))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "field") for name in ("Cropland", "CROPS", "Cropland/Natural Vegetation Mosaics", "Cultivated land")),
        *(
            (name, "field")
            for name in ("Cultivated and managed vegetation", "Non-irrigated arable land", "Rice fields")
        ),
        *((name, "field") for name in ("cropland_rainfed", "Farm land", "Farmland", "Agricultural areas", "paddy")),
        *((name, "open") for name in ("Rock outcrop", "Lava field", "Ice field", "Floodwater meadow", "Pasture")),
        *(
            (name, "open")
            for name in ("Agroforestry", "Licorice", "flooded_vegetation", "Moss and lichen", "Grassland")
        ),
        *(
            (name, "bare")
            for name in ("Permanent water bodies", "Open Water", "Built-up", "built_area", "Urban fabric")
        ),
        *((name, "bare") for name in ("Settlements", "Artificial surfaces")),
    ],
)
def test_whole_words_of_a_name_say_what_a_class_is(name: str, kind: str) -> None:
    legend = Legend((LandCover(1, "Wood", "#000000", True), LandCover(2, name, "#ffffff", False)))
    ground = Ground.of(legend)
    assert (2 in ground.field, 2 in ground.open) == (kind == "field", kind == "open")
    assert ground.forest == {1}


def test_a_missing_band_is_refused_before_losses_are_looked_for() -> None:
    context = SimpleNamespace(bands=BANDS[:-1], grid=None, recipe=SimpleNamespace(change=SimpleNamespace(burns=True)))
    with pytest.raises(RecipeError, match="swir22"):
        find_change(cast("Any", context), Path())


def test_squares_are_nearly_equal_and_cover_the_grid() -> None:
    grid = grid_over((0, 0, 20 * 1000, 20 * 130), "EPSG:32652", 20)
    cut = list(burning.squares(grid))
    assert [block.shape for block in cut] == [(130, 250)] * 4
    assert [block.cols.start for block in cut] == [0, 250, 500, 750]
    first = list(burning.parts(cut[1], 128))
    assert [(part.rows.start, part.cols.start) for part in first] == [(0, 250), (0, 378), (128, 250), (128, 378)]
    assert (first[-1].rows.stop, first[-1].cols.stop) == (130, 500)


class _Told:
    """Eight years of one row of four forest pixels, in place of a run's folder."""

    years = tuple(range(2016, 2024))
    grid = grid_over((0, 0, 80, 20), "EPSG:32652", 20)
    noise = np.eye(2) * 1e-4
    season_ends = np.array([f"{year}-09-15" for year in years], "datetime64[D]")

    def summers(self, block: Block, forest: np.ndarray) -> xr.Dataset:
        values = {"nir08": np.full((8, 1, 4), 0.30), "swir22": np.full((8, 1, 4), 0.08)}
        for band, fallen in {"nir08": 0.12, "swir22": 0.20}.items():
            values[band][2:, 0, 0] = fallen  # for good
            line = np.linspace(fallen, values[band][0, 0, 1], 5)
            values[band][2:7, 0, 1] = line  # back after four years, 80% of it after more than three
        data = {band: (("year", "y", "x"), layer.astype(np.float32)) for band, layer in values.items()}
        return xr.Dataset(data, coords={"year": list(self.years)})

    def forest(self, block: Block) -> np.ndarray:
        return np.ones((8, 1, 4), np.float32)

    def map_layers(self, _kind: str, block: Block) -> np.ndarray:
        codes = np.full((8, 1, 4), 14, np.uint8)
        codes[2:, 0, 0] = 22
        codes[:, 0, 3] = 22
        return codes


class _Mixed:
    """What a run's maps are asked: 100 pixels of oak, pine, larch, field and grass, of two years, some seen in one."""

    years = (2018, 2019)
    grid = grid_over((500_000, 4_800_000, 502_000, 4_800_020), "EPSG:32652", 20)

    def map_layers(self, _kind: str, block: Block) -> np.ndarray:
        codes = np.repeat([14, 11, 12, CROP, 22], [50, 30, 4, 6, 10]).astype(np.uint8)
        return np.stack([codes, codes])[:, None, block.cols]

    def forest(self, block: Block) -> np.ndarray:
        return np.isin(self.map_layers("", block), (11, 12, 14)).astype(np.float32)


def test_common_forests_are_told_apart_and_the_rest_go_with_the_commonest() -> None:
    land, ground = cast("Any", _Mixed()), Ground.of(DEFAULT_LEGEND)
    forests = burning.common_forests(land, ground)
    assert forests == (14, 11), "larch is 4 of 84 pixels"
    strata = burning.BurnSources(land, ground, forests).strata(Block(0, slice(0, 1), slice(0, 100)))
    oak, pine = burning.FOREST, burning.FOREST + 1
    assert strata[0].tolist() == [oak] * 50 + [pine] * 30 + [oak] * 4 + [burning.FIELD] * 6 + [burning.OPEN] * 10
    assert burning.common_forests(land, Ground(frozenset({13}), frozenset({22}), frozenset())) == ()


def test_what_became_of_each_burn_is_told_beside_it() -> None:
    date = np.full((2, 1, 4), np.datetime64("NaT"), "datetime64[s]")
    date[0] = np.datetime64("2018-05-03")  # of the second pixel there is a fire later on that the summers do not show
    date[1, 0, 1] = np.datetime64("2022-10-20")
    date[1, 0, 0] = np.datetime64("2018-10-20")  # and of the first one in the same year, in the grass
    layers = dict.fromkeys(("charring", "dnbr", "dnbr_year", "rdnbr"), np.full((2, 1, 4), 0.3, np.float32))
    layers |= {"date": date, "earliest": date - np.timedelta64(864000, "s"), "severity": np.ones((2, 1, 4), np.uint8)}
    found = xr.Dataset({name: (("burn", "y", "x"), values) for name, values in layers.items()})
    sources = burning.BurnSources(cast("Any", _Told()), Ground.of(DEFAULT_LEGEND))
    job = burning.BurnJob(sources, Block(0, slice(0, 1), slice(0, 4)), Path(), None)
    told = job._listed(found, np.array([[burning.FOREST] * 3 + [burning.OPEN]]))
    assert told["column"].tolist() == [0, 0, 1, 1, 2, 3]
    assert told["was_forest"].tolist() == [True, False, True, True, True, False]
    assert told["opened"].tolist() == [True, False, False, False, False, False]
    nothing = burning.NO_FALL
    assert told["regrown"].tolist() == [burning.NOT_REGROWN, nothing, 2022, nothing, nothing, nothing]
    assert told["date"].tolist() == [6697, 6867, 6697, 8328, 6697, 6697], "days since 2000-01-01"


def test_ground_that_burned_twice_is_counted_once_of_each_kind() -> None:
    """The first pixel opened after two burns of its forest in one year; the second burned as forest and as grass."""
    burns = pd.DataFrame(
        {
            "row": [0, 0, 0, 0, 5],
            "column": [0, 0, 1, 1, 0],
            "was_forest": [True, True, True, False, False],
            "opened": [True, True, True, False, False],
        }
    )
    assert fires.burnt_once(burns, 0.04) == {
        "burnt_forest_ha": pytest.approx(0.08),
        "burnt_open_ha": pytest.approx(0.08),
        "opened_ha": pytest.approx(0.08),
    }


def test_layers_hold_the_last_burn_and_overviews_of_how_often_are_means(tmp_path: Path) -> None:
    """Every second column burned in 2019, the first pixel of all in 2021 again; all were seen in five years."""
    side = 600
    row, column = (places.ravel() for places in np.mgrid[:side, :side:2])
    burns = pd.DataFrame({"row": row, "column": column, "date": pd.Timestamp("2019-05-01"), "severity": 2})
    burns = pd.concat([burns, burns[:1].assign(date=pd.Timestamp("2021-05-01"), severity=4)], ignore_index=True)
    burns = burns.assign(earliest=burns["date"], dnbr=0.3, dnbr_year=np.nan, block=0)
    burns = burns.assign(opened=burns.index == 1, was_forest=True, regrown=np.int16(burning.NO_FALL))
    seen = np.full((side, side), 5, np.uint8)
    seen[:, -1] = 0
    made = SimpleNamespace(blocks=[Block(0, slice(0, side), slice(0, side))], seen_years=lambda _: seen)
    grid = grid_over((0, 0, 20 * side, 20 * side), "EPSG:32652", 20)
    paths = {name: tmp_path / f"{name}.tif" for name in fires.NOT_TOLD}
    fires._write_layers(list(paths.values()), cast("Any", made), burns, grid)
    with rasterio.open(paths["burn_frequency"]) as file:
        assert file.read(1)[0, :4].tolist() == [4, 0, 2, 0]
        assert np.isnan(file.read(1)[:, -1]).all()
    with rasterio.open(paths["burn_frequency"], overview_level=0) as file:
        assert file.read(1)[1, :100] == pytest.approx(1), "of 2 and 0"
    with rasterio.open(paths["burn_year"]) as file:
        assert file.read(1)[0, :4].tolist() == [2021, 0, 2019, 0]
        assert (file.read(1)[:, -1] == 65535).all()
    with rasterio.open(paths["burn_year"], overview_level=0) as file:
        assert set(np.unique(file.read(1))) <= {0, 2019, 2021, 65535}
    with rasterio.open(paths["burns"]) as file:
        told = dict(zip(fires.BURN_BANDS, file.read()[:, 0, :4].tolist(), strict=True))
    assert told["burns"] == [2, 0, 1, 0]
    assert told["opened"] == [0, 0, 2019, 0]
    assert told["dnbr"] == [300, -32768, 300, -32768]
