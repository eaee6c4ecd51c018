"""Labels carried to years without any: where the ground stayed what it was, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forest.landscapes import FOREST_CODES, GRASS, OAK, WATER, features, samples
from habitat.forest import (
    CoverModel,
    calibrate,
    carry_labels,
    leave_blocks_out,
    pack_model,
    predict_classes,
    train_cover,
    unpack_model,
)
from habitat.forest.applicability import dissimilarity


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


def test_years_without_labels_ask_the_trees_that_learnt_from_what_was_carried_there() -> None:
    """In the year without labels everything looks brighter by 0.4: what was grass looks like oak."""
    own = samples()
    year = int(own["year"].max()) + 1
    names = ["ndvi_mapping", "ndmi_mapping"]
    brighter = moved(own, year).assign(label_year=year - 1)
    brighter[names] += 0.4
    model = train_cover(own, forest_codes=FOREST_CODES, seed=1, carried=brighter)
    alone = train_cover(own, forest_codes=FOREST_CODES, seed=1)
    assert model.label_years == alone.label_years == (year - 1,)
    assert alone.elsewhen is None

    def called(model: CoverModel, of: int) -> list[int]:
        looks = features([[OAK, GRASS, WATER]], year=of)
        looks = looks.assign({name: looks[name] + np.float32(0.4 * (of == year)) for name in names})
        return np.array(model.codes)[predict_classes(model, looks)[0, :, 0].argmax(axis=0)].tolist()

    for told in (model, unpack_model(*pack_model(model))):
        assert called(told, year - 1) == called(told, year) == [OAK, GRASS, WATER]
    assert called(alone, year) != [OAK, GRASS, WATER]


def test_the_area_of_applicability_holds_what_was_carried() -> None:
    own = samples()
    later = moved(own, int(own["year"].max()) + 1).assign(label_year=int(own["year"].max()))
    later["ndvi_mapping"] += 0.4
    how = {"forest_codes": FOREST_CODES, "seed": 1}
    found = leave_blocks_out(own, block_pixels=10, **how)
    model = train_cover(own, carried=later, **how)
    table = later[["ndvi_mapping", "ndmi_mapping"]].to_numpy(dtype=np.float32).T
    for carried, far in ((None, True), (later, False)):
        area = calibrate(model, found, own, carried=carried, **how).applicability
        assert (np.median(dissimilarity(area, table)) > area.threshold) == far
