"""The benchmark of registration runs on one small landscape; how well shifts are told is for its own page to say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import registration


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    folder = tmp_path_factory.mktemp("landscape") / "sample"
    return folder, registration.write_landscape(folder, 0, 9.0, 1.5, range(2020, 2022))


def test_every_scene_s_error_of_place_is_known(truth: tuple[Path, np.ndarray]) -> None:
    folder, shifts_m = truth
    assert shifts_m.shape == (len(registration.scenes_of(folder / "catalog.json")), 2)
    assert 4 < shifts_m.std() < 14


def test_what_is_told_follows_the_errors_that_were_drawn(truth: tuple[Path, np.ndarray]) -> None:
    import json

    import shapely

    folder, shifts_m = truth
    scenes = registration.scenes_of(folder / "catalog.json")
    area = json.loads((folder / "area.geojson").read_text())["features"][0]["geometry"]
    grid = registration.run_grid(scenes, shapely.geometry.shape(area))
    told = registration.estimate_shifts(registration.read_stack(scenes, grid, registration.BANDS))
    known = told["east_m"].notna().to_numpy()
    assert known.sum() >= 10
    for axis, true in zip(("east_m", "north_m"), shifts_m.T, strict=True):
        wrong = told[axis].to_numpy()[known] - true[known]
        assert np.median(np.abs(wrong - np.median(wrong))) < 3


def test_phase_correlation_has_the_same_sign() -> None:
    from scipy import ndimage

    ground = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((60, 60)), 1.5)
    moved = ndimage.shift(ground, (0.6, -1.2), order=3, mode="wrap")
    assert registration.phase_correlation(moved, ground) == pytest.approx((0.6, -1.2), abs=0.1)
