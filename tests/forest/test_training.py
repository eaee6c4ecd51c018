"""The training table: what was seen at each label, and how many of a class are kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from habitat.errors import TrainingError
from habitat.forest import (
    gather,
    naming,
    refuse_one_kind,
    stack_samples,
    thin_labels,
    with_missing_seasons,
    within_years,
)
from habitat.grids import Block
from habitat.imagery import features, harmonics
from habitat.indices import INDEX_NAMES

BLOCK = Block(3, slice(10, 12), slice(20, 23))
nan = np.nan


def seen() -> xr.Dataset:
    """Two years of BLOCK; a pixel's NDVI tells its place: year, row, column. One was not seen in 2021."""
    ndvi = np.float32([[[0.00, 0.01, 0.02], [0.10, 0.11, 0.12]], [[1.00, 1.01, 1.02], [1.10, 1.11, nan]]])
    red = np.where(ndvi == np.float32(0.01), nan, ndvi)
    return xr.Dataset(
        {"ndvi_mapping": (("year", "y", "x"), ndvi), "red_autumn": (("year", "y", "x"), red)},
        coords={"year": [2020, 2021]},
    )


def labels(*rows: tuple[int, int, int | None, int]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=["row", "col", "year", "code"])
    return table.astype({"year": "Int64"})


def gathered(*rows: tuple[int, int, int | None, int]) -> list[tuple[int, int, int, int, float]]:
    table = gather(seen(), labels(*rows), BLOCK)
    columns = table[["row", "col", "year", "code", "ndvi_mapping"]]
    return [(*map(int, row[:4]), round(float(row[4]), 2)) for row in columns.itertuples(index=False)]


def test_a_label_gets_what_was_seen_there_in_its_year() -> None:
    assert gathered((10, 20, 2020, 14), (11, 21, 2021, 22)) == [(10, 20, 2020, 14, 0.0), (11, 21, 2021, 22, 1.11)]


def test_labels_beside_the_block_or_of_another_year_are_left_out() -> None:
    outside = [(9, 20, 2020, 14), (12, 20, 2020, 14), (10, 19, 2020, 14), (10, 23, 2020, 14), (10, 20, 2019, 14)]
    assert gathered(*outside) == []


def test_a_label_without_year_is_there_once_for_every_year() -> None:
    assert gathered((11, 20, None, 14)) == [(11, 20, 2020, 14, 0.10), (11, 20, 2021, 14, 1.10)]
    table = gather(seen(), labels((11, 20, None, 14), (11, 20, 2020, 14)), BLOCK)
    assert table["dated"].tolist() == [False, True, False]


def test_a_pixel_that_was_not_seen_teaches_nothing_and_a_missing_season_is_missing() -> None:
    assert gathered((11, 22, 2021, 14)) == []
    table = gather(seen(), labels((10, 21, 2020, 14)), BLOCK)
    assert np.isnan(table["red_autumn"].item())
    assert table["ndvi_mapping"].item() == np.float32(0.01)


# -- drawing --------------------------------------------------------------------------------------------


def part(code: int, count: int) -> pd.DataFrame:
    place = np.arange(count)
    return pd.DataFrame({"row": place, "col": place, "year": 2020, "code": code, "dated": True, "ndvi": place / 100})


def test_rare_classes_are_kept_whole_and_common_ones_drawn_from() -> None:
    parts = [part(14, 100), part(22, 7), part(14, 50)]
    drawn = stack_samples(parts, max_per_class=20, seed=1)
    assert drawn["code"].value_counts().to_dict() == {14: 20, 22: 7}
    assert not drawn.duplicated(["code", "row", "ndvi"]).all()
    assert drawn.equals(stack_samples(parts, max_per_class=20, seed=1)), "the same seed draws the same"
    assert not drawn.equals(stack_samples(parts, max_per_class=20, seed=2))
    everything = stack_samples(parts, max_per_class=150, seed=1)
    assert len(everything) == 157
    at = everything.reset_index().merge(drawn, on=["row", "code", "ndvi"])["index"]
    assert at.is_monotonic_increasing, "in the order in which they came"


@pytest.mark.parametrize("parts", [[], [part(14, 0), part(22, 0)]])
def test_no_label_that_was_seen(parts: list[pd.DataFrame]) -> None:
    with pytest.raises(TrainingError, match="no label lies on a pixel that was seen"):
        stack_samples(parts, max_per_class=10, seed=1)


def test_labels_of_one_kind_are_refused() -> None:
    refuse_one_kind(pd.concat([part(14, 5), part(22, 5)]), forest_codes=(11, 14))
    with pytest.raises(TrainingError, match="all of the labels are forest"):
        refuse_one_kind(pd.concat([part(14, 5), part(11, 5)]), forest_codes=(11, 14))
    with pytest.raises(TrainingError, match="none of the labels are forest"):
        refuse_one_kind(part(22, 5), forest_codes=(11, 14))


def test_every_block_of_land_gives_as_many_labels_while_it_has_them() -> None:
    """Of one class 80 labels lie in the first block, 15 in the second and 2 in the third; 30 are wanted."""
    table = pd.concat([part(14, 97).assign(col=0), part(22, 5).assign(col=0)], ignore_index=True)
    table["row"] = np.r_[np.zeros(80), np.full(15, 10), np.full(2, 25), np.zeros(5)].astype(int)
    drawn = thin_labels(table, max_per_class=30, seed=1, block_pixels=10)
    per_block = drawn[drawn["code"] == 14].groupby("row").size().to_dict()
    assert per_block == {0: 14, 10: 14, 25: 2}
    assert (drawn["code"] == 22).sum() == 5
    assert drawn.equals(thin_labels(table, max_per_class=30, seed=1, block_pixels=10))


def test_labels_of_other_years_are_counted_and_left_out() -> None:
    table = labels((0, 0, 2019, 14), (0, 1, 2020, 22), (0, 2, None, 22), (0, 3, 2031, 14))
    kept, outside = within_years(table, (2020, 2021))
    assert (kept["col"].tolist(), outside) == ([1, 2], 2)


@pytest.mark.parametrize(("years", "said"), [((2001, 2009), "of 2001 to 2009"), ((2001, 2001), "of 2001")])
def test_labels_of_other_years_alone_are_refused(years: tuple[int, int], said: str) -> None:
    table = labels(*((0, 0, year, 14) for year in years))
    with pytest.raises(TrainingError, match=f"all labels are {said}, outside the years 2020 to 2021"):
        within_years(table, (2020, 2021))


def test_every_sample_comes_back_once_without_a_season() -> None:
    names = ("red_mapping", "red_leaf_off", "ndvi_leaf_off", "red_autumn", "ndvi_autumn", "nir08_3x3", "ndvi_level")
    table = pd.DataFrame({"row": range(6), "code": [14, 22] * 3} | {name: np.arange(6.0) for name in names})
    made = with_missing_seasons(table)
    assert made[:6].equals(table)
    copies = made[6:].reset_index(drop=True)
    missing = {name: np.flatnonzero(copies[name].isna()).tolist() for name in names}
    autumn, leaf_off = [0, 2, 4], [1, 3, 5]
    assert missing == {
        "red_mapping": [], "red_leaf_off": leaf_off, "ndvi_leaf_off": leaf_off, "red_autumn": autumn,
        "ndvi_autumn": autumn, "nir08_3x3": [], "ndvi_level": [],
    }  # fmt: skip
    assert copies[["row", "code"]].equals(table[["row", "code"]])
    assert with_missing_seasons(table[["code", "red_mapping", "nir08_3x3"]]).shape == (6, 3)


def test_a_season_is_missing_alone_though_its_name_ends_anothers() -> None:
    names = ("ndvi_mapping", "ndvi_off", "ndvi_leaf_off", "looks_off", "ndvi_cos2")
    table = pd.DataFrame({"code": [14, 22]} | {name: [1.0, 2.0] for name in names})
    copies = with_missing_seasons(table)[2:]
    missing = {name: copies[name].isna().tolist() for name in names}
    of_off, of_leaf_off = [False, True], [True, False]
    assert missing == {
        "ndvi_mapping": [False, False], "ndvi_off": of_off, "ndvi_leaf_off": of_leaf_off, "looks_off": of_off,
        "ndvi_cos2": [False, False],
    }  # fmt: skip


def test_indices_alone_tell_the_seasons_too() -> None:
    table = pd.DataFrame({"code": [14, 22], "nbr_mapping": [1.0, 2.0], "nbr_autumn": [3.0, 4.0]})
    assert with_missing_seasons(table)["nbr_autumn"].isna().tolist() == [False, False, True, True]


def test_names_are_understood_as_features_are_named() -> None:
    assert tuple(features.INDICES) == INDEX_NAMES
    assert naming.TERRAIN == features.TERRAIN
    assert tuple(features._REACHES) == naming.TEXTURES
    assert naming.COURSE == harmonics.PARTS
