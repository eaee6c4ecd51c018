"""Which looks are clear: drawn by hand, a hash where nothing may be left."""

from __future__ import annotations

import numpy as np
import pytest

from habitat.cubes import Quality
from habitat.errors import ContractError, HabitatError
from habitat.imagery import NOT_CLEAR, clear_looks, reject_bits
from habitat.imagery.masks import grown
from imagery.stacks import stack

DAY = ["2020-07-01"]


def drawn(picture: str) -> np.ndarray:
    return np.array([[mark == "#" for mark in row] for row in picture.split()])


def masked(quality: np.ndarray, **options: float) -> np.ndarray:
    """Where a look with these quality bits is taken out."""
    cleared = clear_looks(stack(DAY, quality[None], red=0.1), **options)  # type: ignore[arg-type]
    return np.isnan(cleared["red"].values[0])


def in_the_middle(bit: int) -> np.ndarray:
    quality = np.zeros((7, 7), dtype=np.uint8)
    quality[3, 3] = bit
    return quality


ALONE = drawn("....... ....... ....... ...#... ....... ....... .......")
CROSS = drawn("....... ....... ...#... ..###.. ...#... ....... .......")
DISK = drawn("....... ...#... ..###.. .#####. ..###.. ...#... .......")


@pytest.mark.parametrize("bit", [Quality.CLOUD, Quality.SHADOW, Quality.CIRRUS])
def test_soft_edges_spoil_what_lies_within_the_margin(bit: int) -> None:
    assert np.array_equal(masked(in_the_middle(bit), margin_m=40), DISK)
    assert np.array_equal(masked(in_the_middle(bit), margin_m=20), CROSS)
    assert np.array_equal(masked(in_the_middle(bit), margin_m=19), ALONE)
    assert np.array_equal(masked(in_the_middle(bit), margin_m=0), ALONE)
    assert np.array_equal(masked(in_the_middle(bit)), DISK), "40 m unless told otherwise"


@pytest.mark.parametrize("bit", [Quality.SNOW, Quality.SATURATED, Quality.FILL])
def test_sharp_edges_spoil_themselves_alone(bit: int) -> None:
    assert np.array_equal(masked(in_the_middle(bit), margin_m=40), ALONE)


def test_water_is_no_fault() -> None:
    assert not masked(in_the_middle(Quality.WATER)).any()
    assert np.array_equal(masked(in_the_middle(Quality.WATER | Quality.SNOW)), ALONE)


def test_what_is_not_rejected_stays_but_fill_never_does() -> None:
    quality = in_the_middle(Quality.CLOUD)
    quality[0, 0] = Quality.FILL
    fill_alone = np.zeros((7, 7), dtype=bool)
    fill_alone[0, 0] = True
    assert np.array_equal(masked(quality, reject=Quality.FILL), fill_alone)
    assert np.array_equal(masked(quality, reject=Quality.SNOW), fill_alone)
    assert np.array_equal(masked(quality, reject=NOT_CLEAR), fill_alone | DISK)


def test_a_cloud_spoils_its_own_look_only() -> None:
    quality = np.stack([in_the_middle(Quality.CLOUD), in_the_middle(0)])
    looks = stack([*DAY, "2020-07-06"], quality, red=0.1, nir08=0.4)
    cleared = clear_looks(looks, margin_m=40)
    for band in ("red", "nir08"):
        assert np.array_equal(np.isnan(cleared[band].values), np.stack([DISK, np.zeros_like(DISK)]))
    assert np.array_equal(cleared["quality"], looks["quality"])
    assert cleared["red"].dtype == np.float32
    assert np.isfinite(looks["red"].values).all(), "the stack that came in is as it was"


def test_what_is_no_stack_is_refused() -> None:
    with pytest.raises(ContractError, match="STACK"):
        clear_looks(stack(DAY, red=0.1).drop_vars("quality"))


def far(mask: np.ndarray, radius: float) -> np.ndarray:
    """The same by distances: every pixel against every pixel of the mask."""
    rows, cols = np.indices(mask.shape)
    near = [(rows - row) ** 2 + (cols - col) ** 2 <= radius**2 for row, col in np.argwhere(mask)]
    return np.any([mask, *near], axis=0)


@pytest.mark.parametrize("radius", [0, 0.99, 1, 1.34, 2, 2.67, 5**0.5, 4, 6.67, 11.1, 20, 40, 0.1 * 3])
def test_a_mask_grows_by_distance_at_any_radius(radius: float) -> None:
    rng = np.random.default_rng(5)
    masks = rng.random((3, 31, 23)) < 0.004
    masks[0, 0, 0] = masks[1, -1, 11] = True
    masks[2] = False
    masks[2, 15, 11] = True
    assert np.array_equal(grown(masks, radius), np.stack([far(mask, radius) for mask in masks]))


def test_words_name_quality_bits() -> None:
    assert reject_bits([]) == 0
    assert reject_bits(["snow", "cirrus", "snow"]) == 12
    everything = ["cloud", "shadow", "cirrus", "snow", "saturated", "water"]
    assert reject_bits(everything) == NOT_CLEAR - Quality.FILL + Quality.WATER


@pytest.mark.parametrize(
    ("word", "mend"), [("clouds", "did you mean 'cloud'"), ("Snow", "'snow'"), ("xyz", "known are cloud, shadow")]
)
def test_an_unknown_word_names_the_nearest_one(word: str, mend: str) -> None:
    with pytest.raises(HabitatError, match=mend) as failure:
        reject_bits(["cloud", word])
    assert repr(word) in str(failure.value)
