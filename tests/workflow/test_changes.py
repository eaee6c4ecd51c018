"""The change stage: maps, trajectories and breaks to a dated loss, the same however the area is cut."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyproj import Transformer
from terminal import FEW_TREES, run

from habitat.forest import classifier
from habitat.store import read_raster, read_table
from habitat.workflow import changes, evidence
from tests.workflow.watched import CLEARED_ON, change_files, change_notes, write_land

ALL = 'evidence = ["maps", "trajectories", "breaks"]\nkinds = true\n'


@pytest.fixture(scope="module")
def cleared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[slice, slice]]:
    """A landscape with a clearing and all that is known of it; not to be changed."""
    folder = tmp_path_factory.mktemp("changes") / "land"
    place = write_land(folder)
    recipe = folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("[change]\n", f"[change]\n{ALL}"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "N_TREES", FEW_TREES)
        said = run("change", recipe, "--workers", "1")
    assert said.status == 0, said.err
    return folder, place


@pytest.fixture
def land(cleared: tuple[Path, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may spoil."""
    monkeypatch.setattr(classifier, "N_TREES", FEW_TREES)
    return Path(shutil.copytree(cleared[0], tmp_path / "land"))


def test_a_clearing_has_its_year_its_days_and_a_kind(cleared: tuple[Path, tuple[slice, slice]]) -> None:
    folder, (rows, cols) = cleared
    inner = np.s_[rows.start + 1 : rows.stop - 1, cols.start + 1 : cols.stop - 1]
    loss = read_raster(folder / "run/change/loss_year.tif")[0][0]
    assert (loss[inner] == CLEARED_ON.year).mean() >= 0.9
    assert (read_raster(folder / "run/change/loss_probability.tif")[0][0][inner] >= 80).mean() >= 0.9
    days = read_raster(folder / "run/change/loss_date.tif")[0]
    dated = days[0] != -32768
    assert dated[inner].mean() >= 0.9
    assert not dated[loss == 0].any()
    cleared_on = (pd.Timestamp(CLEARED_ON) - pd.Timestamp(2000, 1, 1)).days
    assert (days[1][inner][dated[inner]] < cleared_on).all()
    assert (days[2][inner][dated[inner]] >= cleared_on).all()
    patches = read_table(folder / "run/change/patches.parquet")
    assert list(patches.columns) == [
        *("patch", "year", "date", "earliest", "latest", "dated_share", "area_ha", "probability"),
        *("kind", "kind_probability", "geometry"),
    ]
    largest = patches[patches["year"] == CLEARED_ON.year].iloc[0]
    assert largest["earliest"] < pd.Timestamp(CLEARED_ON) <= largest["latest"]
    assert isinstance(largest["kind"], str)


def test_breaks_are_listed_with_the_years_that_they_date(cleared: tuple[Path, tuple[slice, slice]]) -> None:
    folder, (rows, cols) = cleared
    breaks = read_table(folder / "run/change/breaks.parquet")
    inside = breaks["row"].between(rows.start + 1, rows.stop - 2)
    inside &= breaks["column"].between(cols.start + 1, cols.stop - 2)
    own = breaks[inside & (breaks["loss_year"] == CLEARED_ON.year)]
    assert len(own) >= 14
    assert (own["loss_probability"] > 0.5).all()
    grid = read_raster(folder / "run/change/loss_year.tif")[1]
    first = own.iloc[0]
    assert first["x"] == grid.transform.c + 20 * (first["column"] + 0.5)
    assert first["y"] == grid.transform.f - 20 * (first["row"] + 0.5)
    assert change_notes(folder)["evidence"] == ["maps", "trajectories", "breaks"]
    assert change_notes(folder)["scenes_read"] == 64
    assert change_notes(folder)["smallest_ha"] == pytest.approx(0.52), "13 pixels of 20 m are the first to make 0.5 ha"


def test_small_blocks_and_a_second_try_make_the_same_files(
    cleared: tuple[Path, object], land: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (land / "run/change/loss_year.tif").unlink()
    monkeypatch.setattr(evidence, "READ_BLOCK", 13)
    whole, calls = changes.LossJob.__call__, []

    def interrupted(job: changes.LossJob) -> dict[str, np.ndarray]:
        calls.append(job.block.index)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return whole(job)

    monkeypatch.setattr(changes.LossJob, "__call__", interrupted)
    assert run("change", land / "recipe.toml", "--workers", "1").status == 130
    kept = {int(path.stem[5:]) for path in land.glob("run/.work/change-*/loss-*.npz")}
    assert 4 <= len(kept) < 9
    calls[:] = [-1] * 5
    assert run("change", land / "recipe.toml", "--workers", "1").status == 0
    assert set(calls[5:]) == set(range(9)) - kept, "what was finished is not computed again"
    assert change_files(land) == change_files(cleared[0])


def test_maps_alone_leave_no_dates_behind(land: Path) -> None:
    recipe = land / "recipe.toml"
    recipe.write_text(recipe.read_text().replace(ALL, 'evidence = ["maps"]\n'))
    said = run("change", recipe, "--workers", "1")
    assert said.status == 0
    assert set(change_files(land)) == {"loss_year.tif", "loss_probability.tif", "patches.parquet"}
    assert read_table(land / "run/change/patches.parquet")["date"].isna().all()
    assert change_notes(land)["evidence"] == ["maps"]


def test_a_sighting_after_a_dated_break_stands_on_lost_ground(land: Path) -> None:
    dates, grid = read_raster(land / "run/change/loss_date.tif")
    row, column = (int(at[0]) for at in np.nonzero(dates[2] == np.median(dates[2][dates[2] != -32768])))
    x, y = grid.transform * (column + 0.5, row + 0.5)
    longitude, latitude = Transformer.from_crs("EPSG:32652", "EPSG:4326", always_xy=True).transform(x, y)
    shows = pd.Timestamp("2000-01-01") + pd.Timedelta(days=int(dates[2, row, column]))
    assert shows < pd.Timestamp(f"{CLEARED_ON.year}-09-15"), "the map of that season is not out yet"
    days = [shows - pd.Timedelta(days=1), shows + pd.Timedelta(days=1)]
    place = {"species": "teaching marten", "latitude": latitude, "longitude": longitude}
    pd.DataFrame(
        [{"sighting": f"S{k}", "time": f"{day:%Y-%m-%d}T12:00:00Z", **place} for k, day in enumerate(days)]
    ).to_csv(land / "two.csv", index=False)
    recipe = land / "recipe.toml"
    text = recipe.read_text().replace('files = ["sightings.csv", "patrol_sightings.gpkg"]', 'files = ["two.csv"]')
    recipe.write_text(text)
    said = run("join", recipe, "--workers", "1")
    assert said.status == 0, said.err
    before, after = read_table(land / "run/sightings.parquet").sort_values("time").itertuples()
    assert (before.habitat_from, after.habitat_from) == ("map", "break")
    assert before.code > 0
    assert pd.isna(before.years_since_loss)
    assert pd.isna(after.code)
    assert after.years_since_loss == 0


def test_check_says_what_will_be_read(land: Path) -> None:
    said = run("check", land / "recipe.toml")
    assert "maps, trajectories, breaks; patches of 0.5 ha and more; all 64 scenes" in said.out
    recipe = land / "recipe.toml"
    recipe.write_text(recipe.read_text().replace('"maps", ', ""))
    said = run("check", recipe)
    assert said.status == 1
    assert 'evidence needs "maps"' in said.err
