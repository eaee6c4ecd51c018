"""Alerts: scene by scene is the same as the archive at once, and order is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from habitat.change.alerts import CONFIRMED, NO_MODEL, PROVISIONAL, QUIET, AlertRun, Plan, Taken, plan
from habitat.change.breaks import BreakRules, breaks_of_events, find_breaks, new_states, take_in
from habitat.errors import ContractError
from tests.change.series import changed, every_days, forest, single

SOON = BreakRules(false_alarms=1e-13, prompt_false_alarms=1e-13)
"""What a field station wants: alerts that are confirmed after six looks, with more false ones among them."""
DAYS = every_days(16, 6)
A, B, C, D = (Taken(float(day), name, "first") for day, name in enumerate("abcd"))


@pytest.fixture(scope="module")
def looks() -> np.ndarray:
    """Forest, removals, droughts and clouds, three looks in ten not seen: (time, 6, 1, 120)."""
    made = forest(DAYS, 120, 20)
    made[..., :40] = changed(made, DAYS, 1300)[..., :40]
    made[..., 40:80] = changed(made, DAYS, 1250, 1350, share=0.6)[..., 40:80]
    rng = np.random.default_rng(20)
    made += (rng.random((len(DAYS), 1, 1, 120)) < 0.05) * 0.2
    return single(np.where(rng.random((len(DAYS), 1, 1, 120)) < 0.3, np.nan, made))


def run_of(looks: np.ndarray) -> AlertRun:
    run = AlertRun(looks.shape[2:], SOON)
    for day, scene in zip(DAYS, looks, strict=True):
        run.take(Taken(day, f"{day:.0f}", ""), scene)
    return run


def test_scene_by_scene_is_the_archive_at_once_bit_for_bit(looks: np.ndarray) -> None:
    run = run_of(looks)
    states = new_states(120)
    take_in(states, DAYS, looks.reshape(len(DAYS), 6, 120), rules=SOON)
    np.testing.assert_array_equal(run.states, states)
    archive = find_breaks(DAYS, looks, rules=SOON)
    pd.testing.assert_frame_equal(breaks_of_events(run.table()), archive)
    assert len(archive) >= 40
    assert archive["returned_day"].notna().any()


def test_levels_rise_from_quiet_to_provisional_to_confirmed() -> None:
    looks = single(changed(forest(DAYS, 32, 21), DAYS, 1000))
    run = AlertRun((1, 32), SOON)
    seen = []
    for day, scene in zip(DAYS, looks, strict=True):
        run.take(Taken(day, f"{day:.0f}", ""), scene)
        seen.append(np.bincount(run.levels().ravel(), minlength=4) / 32)
    level = dict(zip(DAYS, seen, strict=True))
    assert level[DAYS[5]][NO_MODEL] == 1
    assert level[992.0][QUIET] > 0.9
    assert level[1040.0][PROVISIONAL] > 0.5  # the third look after the removal
    assert level[1056.0][PROVISIONAL] > 0.9
    assert level[1120.0][CONFIRMED] > 0.7
    assert level[1152.0][CONFIRMED] == 1
    assert level[DAYS[-1]][QUIET] == 1  # a new model holds


@pytest.mark.parametrize(
    ("taken", "arrived", "checkpoints", "expected"),
    [
        ([], [B, A], [], Plan(None, (A, B))),
        ([A, B], [B], [], Plan(None, ())),
        ([A, B], [D, C, A], [1], Plan(None, (C, D))),
        ([A, C], [B], [0, 1, 2], Plan(1, (B, C))),
        ([A, B, C], [B._replace(digest="anew")], [0, 1, 2], Plan(1, (B._replace(digest="anew"), C))),
        ([A, B, C], [C._replace(digest="anew")], [0], Plan(0, (A, B, C._replace(digest="anew")))),
    ],
)
def test_what_to_do_with_scenes_that_arrive(
    taken: list[Taken], arrived: list[Taken], checkpoints: list[int], expected: Plan
) -> None:
    assert plan(taken, arrived, checkpoints) == expected


def test_a_late_scene_with_a_checkpoint_gives_what_it_would_have_given_in_time(looks: np.ndarray) -> None:
    scenes = [Taken(day, f"{day:.0f}", "") for day in DAYS]
    late = 60
    run = AlertRun((1, 120), SOON)
    kept = None
    for k, scene in enumerate(scenes):
        if k == 50:
            kept = (run.states.copy(), run.pixels, run.events, list(run.taken))
        if k != late:
            run.take(scene, looks[k])
    todo = plan(run.taken, [scenes[late]], checkpoints=[50])
    assert kept is not None
    run.states, run.pixels, run.events, run.taken = kept
    for scene in todo.scenes:
        run.take(scene, looks[scenes.index(scene)])
    in_time = run_of(looks)
    np.testing.assert_array_equal(run.states, in_time.states)
    pd.testing.assert_frame_equal(run.table(), in_time.table())


def test_scenes_out_of_order_or_of_another_shape_are_refused() -> None:
    run = AlertRun((1, 2), SOON)
    run.take(B, np.zeros((6, 1, 2), np.float32))
    with pytest.raises(ContractError, match="a does not come after b"):
        run.take(A, np.zeros((6, 1, 2), np.float32))
    with pytest.raises(ContractError, match="has shape"):
        run.take(C, np.zeros((6, 1, 3), np.float32))
    with pytest.raises(ContractError, match="no checkpoint is older"):
        plan([A, C], [B], checkpoints=[2])
