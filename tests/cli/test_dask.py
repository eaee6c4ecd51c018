"""`--dask ADDRESS`: blocks computed by a cluster's workers are those that threads compute."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from habitat.cli import cli
from habitat.simulate import write_sample

pytestmark = pytest.mark.dask


def digests(run: Path) -> dict[str, str]:
    return {
        path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in run.rglob("*.tif")
    }


def test_a_cluster_makes_the_same_files(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    write_sample(tmp_path / "threads", size_km=0.9, years=range(2016, 2019))
    shutil.copytree(tmp_path / "threads", tmp_path / "cluster")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, processes=True
    ) as cluster:
        on_cluster = CliRunner().invoke(
            cli, ["composite", str(tmp_path / "cluster" / "recipe.toml"), "--dask", cluster.scheduler_address]
        )
    assert on_cluster.exit_code == 0, on_cluster.output
    CliRunner().invoke(cli, ["composite", str(tmp_path / "threads" / "recipe.toml")])
    assert digests(tmp_path / "cluster" / "run") == digests(tmp_path / "threads" / "run") != {}
