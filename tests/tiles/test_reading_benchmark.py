"""The race of readers runs, and all who take part read the same pixels; how fast is for its own page to say."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from benchmarks import reading

SIDE = 240
NATIVE = "native grid, 6 dates x 2 bands"
PEER = importlib.util.find_spec("odc.stac") is not None
"""odc-stac comes with the extra `benchmarks` alone."""


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, reading.Case]:
    made = reading.cases(tmp_path_factory.mktemp("race"), SIDE, "DEFLATE", peer=PEER)
    return {case.name: case for case in made}


def test_what_is_raced_is_the_same_work(cases: dict[str, reading.Case]) -> None:
    case = cases[NATIVE]
    plain, ours = case.ways["rasterio"](), case.ways["habitat"]()
    numbers = np.stack([ours["red"].values, ours["nir08"].values], axis=1).reshape(-1, SIDE, SIDE)
    assert np.allclose(numbers, np.stack(plain) / 10_000)
    assert case.pixels == np.stack(plain).size
    if PEER:
        theirs = case.ways["odc-stac"]()
        assert np.allclose(theirs["red"].values / 10_000, ours["red"].values)


@pytest.mark.skipif(not PEER, reason="needs the extra `benchmarks`")
@pytest.mark.parametrize("way", ["nearest", "bilinear"])
def test_the_same_kernel_on_both_sides(cases: dict[str, reading.Case], way: str) -> None:
    case = cases[f"another zone, {way}, 2 dates x 1 band"]
    ours = np.stack(case.ways["habitat"]())
    theirs = case.ways["odc-stac"]()["red"].values
    seen = (theirs > 0) & (np.nan_to_num(ours) > 0)
    close = np.abs(theirs[seen] - ours[seen]) <= (0 if way == "nearest" else 2)
    assert seen.mean() > 0.9
    assert close.mean() > 0.7, "GDAL takes its positions to an eighth of a pixel"


def test_positions_are_those_of_pyproj(cases: dict[str, reading.Case]) -> None:
    (note,) = cases["another zone, mean, 2 dates x 1 band"].notes
    assert float(note.split(": ")[1].split()[0]) <= 0.05


def test_the_page_shows_every_piece_of_work(cases: dict[str, reading.Case]) -> None:
    speeds = [(case, dict.fromkeys(case.ways, 50.0)) for case in cases.values()]
    page = reading.report({"DEFLATE": speeds}, SIDE, 1)
    assert page.count("| 50.0 |") >= len(cases)
    assert all(case.name in page for case in cases.values())


def test_time_is_counted(cases: dict[str, reading.Case]) -> None:
    speed = reading.measure(cases[NATIVE], 1)
    assert set(speed) == set(cases[NATIVE].ways)
    assert all(value > 0 for value in speed.values())
