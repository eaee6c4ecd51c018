"""The plain detectors that judge the hard preset, on series whose answer is plain."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.hard import Series, best_threshold, differenced, matched, summer_index


def _series() -> Series:
    """Ten forest pixels, looks on 1 July, 1 August, 1 October; pixel 3 is cut in February 2019; 4 hides in clouds."""
    time = np.array([f"{y}-{d}" for y in range(2015, 2026) for d in ("07-01", "08-01", "10-01")], dtype="datetime64[s]")
    values = np.zeros((10, 6, time.size), np.int16)
    values[:, 3], values[:, 4], values[:, 5] = 4000, 2000, 1000
    values[3, 3, time >= np.datetime64("2019-02-10")] = 2000
    values[:, 3, 2::3] = 1500  # autumn is no summer
    codes = np.zeros((10, time.size), np.uint8)
    codes[:5, 0::3] = 4  # July is half cloudy: August is the clearest look
    codes[4, 12:15] = 4  # and pixel 4 is not seen in 2019
    damage = pd.DataFrame({"pixel": [3], "kind": ["clear cut"], "share": [1.0]})
    damage["start"] = damage["end"] = np.array(["2019-02-10"], dtype="datetime64[s]")
    return Series(time, values, codes, damage, np.arange(10), np.full(10, 14, np.uint8))


def test_a_summer_is_its_clearest_look_or_the_median_of_all() -> None:
    index, dates = summer_index(_series(), "NDMI", single=True)
    assert index.shape == (11, 10)
    assert dates[0] == np.datetime64("2015-08-01")
    assert index[4, 3] == 0, "(2000 - 2000) / 4000"
    assert np.isclose(index[3, 3], 1 / 3), "(4000 - 2000) / 6000"
    assert np.isnan(index[4, 4])
    median, dates = summer_index(_series(), "NBR", single=False)
    assert dates[0] == np.datetime64("2015-09-15")
    assert np.isclose(median[0, 9], 0.6), "(4000 - 1000) / 5000"


def test_differencing_calls_the_cut_and_nothing_else() -> None:
    series = _series()
    for name in ("NDMI", "NBR"):
        index, dates = summer_index(series, name, single=True)
        calls = differenced(index, dates, 0.2)
        assert calls.to_dict("list") == {"pixel": [3], "date": [pd.Timestamp("2019-08-01")]}
        assert matched(series, calls).counts.tolist() == [1, 0, 0]
        assert best_threshold([series], name, single=True) < 0.33
    assert len(differenced(index, dates, 0.5)) == 0


def test_a_summer_that_was_not_seen_is_bridged() -> None:
    index = np.array([[0.6, 0.6], [np.nan, 0.6], [0.1, np.nan]])
    dates = np.array(["2018-08-01", "2019-08-01", "2020-08-01"], dtype="datetime64[s]")
    assert differenced(index, dates, 0.2)["date"].tolist() == [pd.Timestamp("2020-08-01")]
