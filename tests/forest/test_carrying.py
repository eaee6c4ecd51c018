"""Labels carried to years without any: where the ground stayed what it was, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forest.landscapes import FOREST_CODES, GRASS, OAK, samples
from habitat.forest import carry_labels, leave_blocks_out, train_cover


def moved(table: pd.DataFrame, year: int) -> pd.DataFrame:
    """The same pixels in another year."""
    return table.assign(year=year)


def test_a_label_is_carried_where_its_pixel_looks_as_it_did_and_not_where_it_changed() -> None:
    own = samples()
    own = own[own["year"] == own["year"].min()].drop_duplicates(["row", "col"]).reset_index(drop=True)
    year = int(own["year"].iloc[0])
    later = moved(own, year + 1)
    names = [name for name in own.columns if name not in ("row", "col", "year", "code", "dated")]
    oaks, grass = (np.flatnonzero(own["code"] == code) for code in (OAK, GRASS))
    later.loc[oaks[0], names] = own.loc[grass[0], names].to_numpy()  # one oak is cut
    carried = carry_labels(own, [later], forest_codes=FOREST_CODES, seed=1)
    kept = pd.MultiIndex.from_frame(carried[["row", "col", "code"]])
    assert len(carried) == len(own) - 1
    assert tuple(own.loc[oaks[0], ["row", "col", "code"]]) not in kept
    assert set(carried["year"]) == {year + 1}
    assert set(carried["label_year"]) == {year}


def test_years_with_labels_of_both_kinds_are_left_alone() -> None:
    own = samples()
    elsewhen = [moved(own, int(year)) for year in own["year"].unique()]
    assert carry_labels(own, elsewhen, forest_codes=FOREST_CODES, seed=1).empty
    assert carry_labels(own, [], forest_codes=FOREST_CODES, seed=1).empty


def test_a_block_is_asked_of_models_that_saw_it_in_no_year() -> None:
    own = samples()
    later = moved(own.drop_duplicates(["row", "col"]), int(own["year"].max()) + 1)
    carried = carry_labels(own, [later], forest_codes=FOREST_CODES, seed=1)
    assert len(carried)
    found = leave_blocks_out(own, forest_codes=FOREST_CODES, block_pixels=5, seed=1, carried=carried)
    fold_of = dict(zip(zip(own["row"], own["col"], strict=True), found.folds, strict=True))
    assert [fold_of[place] for place in zip(carried["row"], carried["col"], strict=True)] == found.carried[
        "fold"
    ].tolist()


def test_what_is_carried_teaches_and_its_year_stays_without_labels_of_its_own() -> None:
    own = samples()
    later = moved(own.drop_duplicates(["row", "col"]), int(own["year"].max()) + 1)
    carried = carry_labels(own, [later], forest_codes=FOREST_CODES, seed=1)
    model = train_cover(own, forest_codes=FOREST_CODES, seed=1, carried=carried)
    alone = train_cover(own, forest_codes=FOREST_CODES, seed=1)
    assert model.label_years == alone.label_years
    assert model.predictors == alone.predictors
