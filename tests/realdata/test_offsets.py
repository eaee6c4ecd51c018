"""Sentinel-2's offset on real scenes: five styles of metadata over a few dates (benchmarks/offsets.py has them all)."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks import offsets

pytestmark = pytest.mark.realdata

HARD = ("20160825", "20171128", "20180507", "20190201", "20190422", "20200201", "20200216", "20200903", "20201122")
"""All cloud, haze over forest, snow."""


@pytest.fixture(scope="module")
def makers(realdata, tmp_path_factory):
    data = realdata / "realdata"
    work = tmp_path_factory.mktemp("offsets")
    every = offsets.romania(data / "romania", slice(None))
    few = tuple(s for k, s in enumerate(every.scenes) if k % 9 == 1 or s.id.split("_")[2] in HARD)
    romania = offsets.Source("Romania", every.grid, few)
    desert = offsets.desert(data / "s2-29RKH")
    return {source.name: offsets.Versions(source, work / source.name) for source in (romania, desert)}


@pytest.fixture(scope="module")
def table(makers):
    romania = makers["Romania"]
    rows = []
    for style in offsets.FIVE:
        cases = [romania(scene, style) for scene in romania.source.scenes]
        rows += offsets.judge(("series", cases, romania.source.grid), "Romania")
        for case in cases:
            rows += offsets.judge(("single", [case], romania.source.grid), "Romania")
    judged = pd.DataFrame(rows)
    return judged.assign(outcome=offsets.outcome(judged))


def test_none_is_wrong(table):
    assert not (table["outcome"] == "WRONG").any()


def test_in_a_series_none_is_refused_though_a_third_is_cloud_haze_or_snow(table):
    assert (table["outcome"][table["kind"] == "series"] == "right").all()


def test_alone_scenes_are_refused_only_where_claims_are_worth_nothing(table):
    refused = table[table["outcome"] == "refused"]
    assert set(refused["style"]) == {"taken out, flag false", "unstated, nothing known"}
    assert set(refused["kind"]) == {"single"}


def test_a_desert_is_never_wrong_and_right_where_its_claims_can_be_trusted(makers):
    desert = makers["desert"]
    scene = desert.source.scenes[0]
    rows = [row for style in offsets.STYLES for row in _alone(desert(scene, style), desert.source.grid)]
    judged = pd.DataFrame(rows)
    outcome = dict(zip(judged["style"], offsets.outcome(judged), strict=True))
    assert (
        outcome.pop("flag true, still in") == "WRONG"
    )  # nothing dark, no other scene, and a flag that has not lied yet
    assert {style for style, what in outcome.items() if what == "refused"} == {
        "unstated, nothing known",
        "taken out, flag false",
        "flag false, still in",
    }
    assert "WRONG" not in outcome.values()


def _alone(case, grid):
    return offsets.judge(("single", [case], grid), "desert")
