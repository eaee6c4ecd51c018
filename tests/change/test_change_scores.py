"""The rule by which detectors of change are scored, on cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.change_scores import Matched, difference, found_by, match_calls, rates, summarise

FIRST, LAST = np.datetime64("2016-01-01"), np.datetime64("2024-12-31")


def _damage(*rows: tuple[int, str, str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["pixel", "kind", "start", "end", "share"])
    return table.astype({"start": "datetime64[s]", "end": "datetime64[s]"})


def _match(damage: pd.DataFrame, *calls: tuple[int, str]) -> Matched:
    table = pd.DataFrame(calls, columns=["pixel", "date"]).astype({"pixel": int, "date": "datetime64[s]"})
    return match_calls(table, damage, np.arange(10), first=FIRST, last=LAST)


CUT = (1, "clear cut", "2018-02-01", "2018-02-01", 1.0)


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        ("2018-02-01", [1, 0, 0]),
        ("2018-01-02", [1, 0, 0]),  # 30 days before
        ("2018-01-01", [0, 1, 1]),
        ("2019-02-01", [1, 0, 0]),  # 365 days after
        ("2019-02-02", [0, 1, 1]),
        ("2015-12-31", [0, 1, 0]),  # before the period: not looked at
        ("2025-03-01", [0, 1, 0]),
    ],
)
def test_a_call_hits_within_its_window(day: str, counts: list[int]) -> None:
    assert _match(_damage(CUT), (1, day)).counts.tolist() == counts


def test_a_call_elsewhere_is_false_and_counts_where_nothing_ever_happened() -> None:
    found = _match(_damage(CUT), (2, "2018-02-01"), (1, "2021-06-01"), (77, "2018-02-01"))
    assert found.counts.tolist() == [0, 1, 2], "pixel 77 is no forest and is not scored"
    # one of the two lies on one of nine stable pixels, in nine years
    assert found.false_alarms == pytest.approx(1 / 9 * 10 / 9, rel=1e-3)


def test_a_second_call_for_the_same_loss_is_neither_right_nor_wrong() -> None:
    found = _match(_damage(CUT), (1, "2018-05-01"), (1, "2018-09-01"))
    assert found.counts.tolist() == [1, 0, 0]
    assert found.calls["fate"].tolist() == ["hit", "neutral"]
    assert found.losses["error_days"].tolist() == [89.0], "the earlier one dates it"


def test_one_call_does_not_hit_two_losses() -> None:
    again = (1, "wind", "2018-09-01", "2018-09-01", 0.5)
    assert _match(_damage(CUT, again), (1, "2018-10-01")).counts.tolist() == [1, 1, 0]
    assert _match(_damage(CUT, again), (1, "2018-10-01"), (1, "2018-11-01")).counts.tolist() == [2, 0, 0]


def test_weak_damage_is_no_loss_and_no_error() -> None:
    weak = (1, "ground fire", "2018-04-10", "2018-04-10", 0.1)
    assert _match(_damage(weak)).counts.tolist() == [0, 0, 0]
    found = _match(_damage(weak), (1, "2018-05-01"))
    assert found.counts.tolist() == [0, 0, 0]
    assert len(found.stable) == 9, "but the pixel is not stable"


def test_damage_before_the_period_excuses_a_late_call() -> None:
    old = (1, "clear cut", "2015-11-01", "2015-11-01", 1.0)
    assert _match(_damage(old), (1, "2016-04-01")).counts.tolist() == [0, 0, 0]


def test_a_date_within_a_gradual_loss_has_no_error() -> None:
    beetles = (1, "insects", "2018-06-01", "2020-06-01", 0.6)
    assert _match(_damage(beetles), (1, "2019-06-01")).losses["error_days"].tolist() == [0.0]
    assert _match(_damage(beetles), (1, "2020-06-11")).losses["error_days"].tolist() == [10.0]
    assert _match(_damage(beetles), (1, "2018-05-22")).losses["error_days"].tolist() == [-10.0]


def test_no_calls_at_all_miss_everything() -> None:
    found = _match(_damage(CUT))
    assert found.counts.tolist() == [0, 1, 0]
    assert rates(found.counts) == (0.0, 1.0, 0.0)


def test_sums_by_kind_and_share() -> None:
    thin = (2, "wind", "2018-09-01", "2018-09-01", 0.3)
    parts = [_match(_damage(CUT, thin), (1, "2018-02-11")), _match(_damage(CUT), (3, "2018-02-11"))]
    assert summarise(parts)["f1"] == pytest.approx(2 / (2 + 2 + 1))
    assert summarise(parts)["median_error_days"] == 10
    by_kind = found_by(parts, "kind")
    assert by_kind["found"].to_dict() == {"clear cut": 0.5, "wind": 0.0}
    by_share = found_by(parts, "share")
    assert by_share["losses"].tolist() == [1, 0, 0, 0, 2]


def test_a_paired_difference_knows_what_is_sure() -> None:
    rng = np.random.default_rng(1)
    good, poor = [], []
    for _ in range(4):
        damage = _damage(*[(p, "wind", "2018-09-01", "2018-09-01", 0.5) for p in range(8)])
        good.append(_match(damage, *[(p, "2018-09-05") for p in range(8) if rng.random() < 0.95]))
        poor.append(_match(damage, *[(p, "2018-09-05") for p in range(8) if rng.random() < 0.3]))
    block = np.arange(10) // 2
    gap, low, high = difference(good, poor, block=block, draws=300)
    assert low < gap < high
    assert low > 0
    same = difference(good, good, block=block, draws=50)
    assert same == (0.0, 0.0, 0.0)
    assert difference(good, poor, block=block, draws=50) == difference(good, poor, block=block, draws=50)
