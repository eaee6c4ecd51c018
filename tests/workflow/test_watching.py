"""`habitat watch`: new, late and reprocessed scenes give the archive's answer, and a kill changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
from terminal import run

from habitat.change import AlertRun, Taken
from habitat.change.alerts import CONFIRMED, QUIET
from habitat.cubes import BANDS
from habitat.store import read_raster, read_table
from habitat.workflow import watching
from habitat.workflow.alarms import alert_layers
from tests.workflow.watched import CLEARED_ON, alerts_of, cut_strip, items, offer, passes, same_states, write_land

BLOCK = 16
"""Pixels: two blocks of a strip of 16 by 32."""


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[slice, slice]]:
    """The landscape after scenes came bit by bit; not to be changed.

    The first 39, one more, then all but the 57th.
    """
    folder = tmp_path_factory.mktemp("watched") / "land"
    place = write_land(folder)
    cut_strip(folder, place[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "BLOCK", BLOCK)
        offer(folder, lambda place: place < 39)
        assert watch(folder) == "took in 39 of 39 looks, the latest " + passes(folder)[38]
        offer(folder, lambda place: place < 40)
        assert watch(folder).startswith("took in 1 of 40 looks")
        offer(folder, lambda place: place != 57)
        assert watch(folder).startswith("took in 23 of 63 looks")
    return folder, place


@pytest.fixture(scope="module")
def archive(states: tuple[Path, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The landscape, watched once with the whole archive; not to be changed."""
    folder = tmp_path_factory.mktemp("archive") / "land"
    shutil.copytree(states[0], folder, ignore=shutil.ignore_patterns("run"))
    offer(folder, lambda place: True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "BLOCK", BLOCK)
        assert watch(folder).startswith("took in 64 of 64 looks")
    return folder


@pytest.fixture
def land(states: tuple[Path, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the landscape in which all scenes but the 57th have been taken in."""
    monkeypatch.setattr(watching, "BLOCK", BLOCK)
    return Path(shutil.copytree(states[0], tmp_path / "land"))


def watch(land: Path, *options: str) -> str:
    said = run("watch", land / "recipe.toml", "--workers", "1", *options)
    assert said.status == 0, said.err
    return said.out.splitlines()[0]


def test_a_clearing_is_confirmed_where_and_when_it_was_made_and_nothing_else_is(
    states: tuple[Path, tuple[slice, slice]],
) -> None:
    folder, (rows, cols) = states
    level, grid = read_raster(folder / "run/change/alerts.tif")
    truth = read_raster(folder / "truth/forest_2018.tif")[1]
    down = round((grid.transform.f - truth.transform.f) / 20)
    right = round((truth.transform.c - grid.transform.c) / 20)
    rows, cols = slice(rows.start + down, rows.stop + down), slice(cols.start + right, cols.stop + right)
    inner = level[0, rows, cols][1:-1, 1:-1]  # Landsat's pixels mix along the rim
    assert (inner == 3).mean() >= 0.9
    around = np.ones_like(level[0], bool)
    around[rows.start - 2 : rows.stop + 2, cols.start - 2 : cols.stop + 2] = False
    assert not (level[0][around] == 3).any()
    table = read_table(folder / "run/change/alerts.parquet")
    largest = table.iloc[0]
    assert largest["level"] == "confirmed"
    assert 14 * 0.04 <= largest["area_ha"] <= 64 * 0.04
    assert largest["earliest"] < pd.Timestamp(CLEARED_ON) < largest["latest"]
    assert largest["change"] > 0.1
    assert (table.loc[table["level"] == "provisional", "probability"].isna()).all()


def test_a_late_scene_gives_the_answer_of_the_whole_archive(archive: Path, land: Path) -> None:
    assert not same_states(land, archive)
    offer(land, lambda place: True)
    assert watch(land).startswith("took in 1 of 64 looks"), "those after it are replayed"
    assert same_states(land, archive)
    assert alerts_of(land) == alerts_of(archive)


def test_a_scene_older_than_every_checkpoint_begins_anew(land: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(land, tmp_path / "other", ignore=shutil.ignore_patterns("run")))
    shutil.rmtree(land / "run")
    offer(land, lambda place: place < 9 and place != 2)
    watch(land)
    for folder in (land, other):
        offer(folder, lambda place: place < 9)
        watch(folder)
    assert same_states(land, other)


def test_a_late_scene_that_needs_scenes_which_are_gone_is_refused_and_changes_nothing(land: Path) -> None:
    before = alerts_of(land)
    offer(land, lambda place: place in (38, 39, 57))
    said = run("watch", land / "recipe.toml", "--workers", "1")
    assert said.status == 1
    assert "is not here any more" in said.err
    assert "--anew" in said.err
    assert alerts_of(land) == before
    offer(land, lambda place: place in (38, 39, 47))
    assert watch(land) == "nothing new: 63 looks are held", "what was taken in need not stay"


def test_a_scene_that_was_processed_anew_takes_the_place_of_the_old_one(
    states: tuple[Path, object], land: Path
) -> None:
    item, path = items(land)[56]
    red = path.parent / item["assets"]["red"]["href"]
    kept = red.read_bytes()
    other = next(p.parent / i["assets"]["red"]["href"] for i, p in items(land)[55::-1] if p.parts[-3] == path.parts[-3])
    red.write_bytes(other.read_bytes())
    assert watch(land).startswith("took in 1 of 63 looks")
    assert not same_states(land, states[0])
    red.write_bytes(kept)
    assert watch(land).startswith("took in 1 of 63 looks")
    assert same_states(land, states[0])


def test_a_second_call_finds_nothing_new_and_writes_nothing(states: tuple[Path, object], land: Path) -> None:
    files = {path: path.stat().st_mtime_ns for path in (land / "run").rglob("*.*") if path.suffix in (".npz", ".tif")}
    assert watch(land) == "nothing new: 63 looks are held"
    assert {path: path.stat().st_mtime_ns for path in files} == files
    (land / "run/change/alerts.tif").unlink()
    assert watch(land) == "nothing new: 63 looks are held"
    assert alerts_of(land) == alerts_of(states[0]), "what is gone is written again"


def test_other_settings_are_refused_until_asked_to_begin_anew(land: Path) -> None:
    recipe = land / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("[scenes]", "[scenes]\nmargin_m = 200"))
    said = run("watch", recipe, "--workers", "1")
    assert said.status == 1
    assert "other settings" in said.err
    offer(land, lambda place: place < 3)
    assert watch(land, "--anew").startswith("took in 3 of 3 looks")


def test_settings_that_need_other_days_are_replaced_and_told(land: Path) -> None:
    offer(land, lambda place: place < 3)
    recipe = land / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("[scenes]", '[scenes]\nmask = "history"\nalign = true'))
    said = run("watch", recipe, "--workers", "1", "--anew")
    assert said.status == 0
    assert "mask = 'product', align = 'false' here" in said.err


KILLER = """
import os, resource, signal, sys
from pathlib import Path
from terminal import run
from habitat.workflow import watching

watching.BLOCK = 16
recipe, finished = sys.argv[1], 0
def child(limit, kill_at):
    if (pid := os.fork()) == 0:
        replace, seen = os.replace, 0
        def counting(*paths):
            nonlocal seen
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(*paths)
        os.replace = counting
        if limit:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the kernel kills who writes beyond the limit
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        os._exit(run("watch", recipe, "--workers", "1").status)
    status = os.waitpid(pid, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
for limit in (1, 300_000):
    print("bytes", limit, child(limit, 0), flush=True)
for k in range(2, 40, 2):
    code = child(0, k)  # before its k-th rename
    print("rename", k, code, flush=True)
    if code == 0:
        break
"""


@pytest.mark.slow
def test_a_kill_at_any_byte_or_rename_ends_in_the_same_answer(archive: Path, land: Path) -> None:
    offer(land, lambda place: True)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLER), str(land / "recipe.toml")],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, Path(__file__).parents[1:3]))},
    )
    codes = [int(line.split()[-1]) for line in done.stdout.splitlines()]
    assert codes[-1] == 0, done.stdout
    assert set(codes[:-1]) <= {-9, -25}, done.stdout
    assert codes.count(-25) >= 2
    assert codes.count(-9) >= 3
    assert same_states(land, archive)
    assert alerts_of(land) == alerts_of(archive)
    assert json.loads((land / "run/change/alerts.json").read_text())["looks"] == 64
    assert not list((land / "run").rglob("*.raw"))


def test_states_come_back_if_making_them_anew_fails(land: Path) -> None:
    offer(land, lambda place: place < 3)
    watch(land, "--anew")
    held = {file.name: file.read_bytes() for file in (land / "run/alerts").glob("*.npz")}
    broken = next(file for file in (land / "scenes").rglob("*.tif") if "red" in file.name)
    whole = broken.read_bytes()
    for file in (land / "scenes").rglob("*red*.tif"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    assert run("watch", land / "recipe.toml", "--workers", "1", "--anew").status == 1
    assert (land / "run/alerts.before").is_dir()
    broken.write_bytes(whole)
    run("watch", land / "recipe.toml", "--workers", "1")
    assert not (land / "run/alerts.before").exists()
    assert {file.name: file.read_bytes() for file in (land / "run/alerts").glob("*.npz")} == held


def test_a_break_is_an_alert_where_it_is_more_probably_a_loss_and_regrowth_does_not_end_it() -> None:
    gone = dict(zip(BANDS, (0.03, 0.04, 0.08, -0.12, 0.12, 0.14), strict=True))
    weak = {band: change / 12 for band, change in gone.items()}
    green = {band: -change for band, change in gone.items()}
    known = {"kind": "confirmed", "row": 0, "looks_before": 30}
    events = [
        {"column": 0, "by_day": 5000.0, "statistic": 900.0, "looks": 12, "change": gone},
        {"column": 0, "by_day": 5300.0, "statistic": 900.0, "looks": 12, "change": green},
        {"column": 1, "by_day": 5000.0, "statistic": 70.0, "looks": 8, "change": weak},
        {"column": 2, "by_day": 4700.0, "statistic": 900.0, "looks": 12, "change": gone},
    ]
    table = pd.DataFrame(
        [
            known
            | {"after_day": event["by_day"] - 10, "known_day": event["by_day"] + 90}
            | {name: value for name, value in event.items() if name != "change"}
            | {f"change_{band}": change for band, change in event["change"].items()}
            for event in events
        ]
    )
    nothing = table[:0].drop(columns=["kind", "known_day", "statistic", "looks_before"])
    held = SimpleNamespace(
        shape=(1, 4),
        taken=[Taken(5600.0, "S2", "0")],
        levels=lambda: np.full((1, 4), QUIET, np.uint8),
        table=lambda: table,
        stirring=lambda: nothing,
    )
    level, layers = alert_layers(cast(AlertRun, held))
    assert level[0].tolist() == [CONFIRMED, QUIET, QUIET, QUIET], "a loss; a drought; a loss of two years ago; nothing"
    assert layers["probability"][0, 0] > 0.99
    assert layers["by_day"][0, 0] == 5000
    assert np.isnan(layers["probability"][0, 1:]).all()
