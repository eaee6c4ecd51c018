"""The state of alerts on disk survives a kill at any byte, and says when it is not what it should be."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from habitat.change import AlertRun, BreakRules, Taken
from habitat.change._state import STATE_VERSION
from habitat.errors import ReadError, StoreError
from habitat.store.alerts import read_alert_state, write_alert_state
from tests.change.series import changed, every_days, forest, single


def state_of(scenes: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A state that tells how many scenes it holds in every number."""
    arrays = {name: np.full((50, 40, 8), scenes, np.float32) for name in ("models", "events")}
    return {"scenes": list(range(scenes)), "state_version": 1}, arrays


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_alert_state(tmp_path / "block.npz", *state_of(3))
    about, arrays = read_alert_state(tmp_path / "block.npz", state_version=1)
    assert about == state_of(3)[0]
    assert arrays.keys() == {"models", "events"}
    np.testing.assert_array_equal(arrays["models"], state_of(3)[1]["models"])


def test_a_run_goes_on_from_the_disk_as_if_it_had_never_left(tmp_path: Path) -> None:
    days = every_days(16, 4)
    looks = single(changed(forest(days, 40, 30), days, 900))
    run, stored = (AlertRun((2, 20), BreakRules(confirmations=5)) for _ in range(2))
    for t, day in enumerate(days):
        scene = Taken(day, str(t), "x"), looks[t].reshape(6, 2, 20)
        if t % 20 == 19:
            write_alert_state(tmp_path / "block.npz", *stored.pack())
            stored = AlertRun.unpack(*read_alert_state(tmp_path / "block.npz", state_version=STATE_VERSION))
        run.take(*scene)
        stored.take(*scene)
    assert stored.taken == run.taken
    assert stored.rules == BreakRules(confirmations=5)
    pd.testing.assert_frame_equal(stored.table(), run.table())
    assert len(run.table()) == 40
    np.testing.assert_array_equal(stored.levels(), run.levels())


def test_a_kill_at_any_byte_leaves_the_state_of_before_or_after(tmp_path: Path) -> None:
    path = tmp_path / "block.npz"
    write_alert_state(path, *state_of(1))
    size = path.stat().st_size
    script = textwrap.dedent(
        """
        import os, resource, signal, sys
        from pathlib import Path
        from tests.test_alert_state import state_of, write_alert_state

        path, size = Path(sys.argv[1]), int(sys.argv[2])
        for limit in [*range(0, size + 2000, size // 60 + 1)]:
            if (child := os.fork()) == 0:
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the kernel kills who writes beyond the limit
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                write_alert_state(path, *state_of(2))
                os._exit(0)
            status = os.waitpid(child, 0)[1]
            from habitat.store.alerts import read_alert_state
            held = read_alert_state(path, state_version=1)[0]["scenes"]
            print(limit, os.WTERMSIG(status) if os.WIFSIGNALED(status) else "done", len(held))
            write_alert_state(path, *state_of(1))
        for when in ("before", "after"):
            if (child := os.fork()) == 0:
                replace = os.replace
                def last(*paths):
                    if when == "after":
                        replace(*paths)
                    os.kill(os.getpid(), signal.SIGKILL)
                os.replace = last
                write_alert_state(path, *state_of(2))
            os.waitpid(child, 0)
            print(when, "killed", len(read_alert_state(path, state_version=1)[0]["scenes"]))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(size)], capture_output=True, text=True, check=True, timeout=120
    )
    tries = [line.split() for line in done.stdout.splitlines()]
    killed = [held for _, how, held in tries[:-2] if how == "25"]
    finished = [held for _, how, held in tries[:-2] if how == "done"]
    assert len(killed) >= 50
    assert set(killed) == {"1"}
    assert set(finished) == {"2"}
    assert tries[-2:] == [["before", "killed", "1"], ["after", "killed", "2"]]


@pytest.mark.parametrize("cut", [0, 30, 3000, -40])
def test_a_damaged_file_is_told(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "block.npz"
    write_alert_state(path, *state_of(3))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ReadError, match="is not a state of alerts"):
        read_alert_state(path, state_version=1)


def test_a_flipped_bit_is_told(tmp_path: Path) -> None:
    path = tmp_path / "block.npz"
    write_alert_state(path, *state_of(3))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ReadError, match="is not a state of alerts"):
        read_alert_state(path, state_version=1)


def test_the_state_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "block.npz"
    write_alert_state(path, *state_of(1))
    with pytest.raises(StoreError, match="another version"):
        read_alert_state(path, state_version=2)
    with pytest.raises(ReadError, match="is not a state"):
        read_alert_state(tmp_path / "nothing.npz", state_version=1)
