"""Which scenes carry Sentinel-2's radiometric offset, whatever their items say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from habitat.errors import CatalogueError, ReadError
from habitat.grids import grid_over
from habitat.sensors import LANDSAT, SENTINEL2
from habitat.tiles.clues import disagreement, own_clues
from habitat.tiles.items import declared_offset
from habitat.tiles.radiometry import settle_offsets
from habitat.tiles.samples import LATTICE, Sample, take_sample
from habitat.tiles.scenes import Asset, OffsetClaims, Scene
from tiles.archive import Layer

GRID = grid_over((500_000, 4_800_000, 500_200, 4_800_200), "EPSG:32652", 20)
"""10 x 10 pixels; 20 x 20 places."""
FOREST = {"blue": 0.025, "green": 0.045, "red": 0.03, "nir08": 0.30, "swir16": 0.15, "swir22": 0.07}
HAZY = {"blue": 0.12, "green": 0.135, "red": 0.125, "nir08": 0.36, "swir16": 0.17}
"""The same forest under thin cirrus: the visible is as bright as an offset would make it (no swir22: it would tell)."""
CLOUD = {"blue": 0.6, "green": 0.58, "red": 0.57, "nir08": 0.6, "swir16": 0.4, "swir22": 0.3}
BARE = {"blue": 0.035, "green": 0.05, "red": 0.065, "nir08": 0.225, "swir16": 0.21, "swir22": 0.12}
"""A leafless wood."""
SOIL = {"blue": 0.08, "green": 0.11, "red": 0.15, "nir08": 0.24, "swir16": 0.3, "swir22": 0.2}
SAND = {"blue": 0.17, "green": 0.24, "red": 0.34, "nir08": 0.38, "swir16": 0.48, "swir22": 0.46}

UNSTATED = OffsetClaims((5, 9))
STATED = OffsetClaims((5, 9), None, -0.1)
TRUE_FLAG = OffsetClaims((5, 9), True, -0.1)
FALSE_FLAG = OffsetClaims((5, 9), False, -0.1)
NOTHING = OffsetClaims()
OLD = OffsetClaims((2, 12), False, 0.0)


class Maker:
    """Writes scenes of 10 x 10 pixels."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.n = folder, 0

    def __call__(
        self,
        ground: dict[str, float],
        claims: OffsetClaims,
        *,
        carries: bool,
        scl: int | None = 4,
        day: str = "2023-07-01",
    ) -> Scene:
        """A scene of one kind of ground, a tenth brighter or darker from pixel to pixel."""
        self.n += 1
        light = np.random.default_rng(self.n).uniform(0.9, 1.1, GRID.shape)
        home = self.folder / str(self.n)
        bands = {}
        for band, value in ground.items():
            numbers = np.round(value * light * 10_000 + 1000 * carries)
            path = Layer(numbers, GRID).write(home / f"{band}.tif")
            bands[band] = Asset(str(path), 0.0001, declared_offset(claims))
        quality = None if scl is None else Asset(str(Layer(scl, GRID, dtype="uint8").write(home / "scl.tif")))
        when = datetime.fromisoformat(day).replace(tzinfo=UTC)
        return Scene(f"S2_{self.n:03d}", SENTINEL2, when, None, None, bands, quality, claims=claims)


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def numbers_of(scene: Scene, band: str = "red") -> np.ndarray:
    with rasterio.open(scene.bands[band].href) as file:
        return file.read(1)


def rewrite(scene: Scene, band: str, numbers: np.ndarray) -> None:
    with rasterio.open(scene.bands[band].href, "r+") as file:
        file.write(numbers, 1)


# -- one scene, its own pixels ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "carries", "corrected"),
    [
        (UNSTATED, True, False),
        (NOTHING, True, True),
        (STATED, True, False),
        (TRUE_FLAG, False, False),
        (FALSE_FLAG, False, True),
        (OffsetClaims((5, 0), None, 0.0), True, True),
        (OLD, False, False),
        (OffsetClaims((5, 9)), False, True),
    ],
)
def test_a_forest_tells_by_itself_whatever_its_item_says(make, claims, carries, corrected):
    scene = make(FOREST, claims, carries=carries)
    settled = settle_offsets([scene], GRID)
    finding = settled.findings[scene.id]
    offset = -0.1 if carries else 0.0
    assert (finding.offset, finding.source, finding.corrected) == (offset, "pixels", corrected)
    assert {asset.offset for asset in settled.scenes[0].bands.values()} == {offset}
    assert not settled.refused


def test_corrected_numbers_are_those_of_the_truth_to_the_last_bit(make):
    scene = make(FOREST, FALSE_FLAG, carries=False)
    asset = settle_offsets([scene], GRID).scenes[0].bands["red"]
    read = numbers_of(scene) * np.float32(asset.scale) + np.float32(asset.offset)
    assert read.tobytes() == (numbers_of(scene) * np.float32(0.0001)).tobytes()


def test_the_evidence_is_told_in_numbers(make):
    scene = make(FOREST, FALSE_FLAG, carries=False)
    words = settle_offsets([scene], GRID).findings[scene.id].evidence
    assert "its item says baseline 05.09, offset -0.1, offset not taken out" in words
    assert "the darkest red is 0.027 as it stands, -0.073 with 0.1 taken off" in words
    assert words.endswith("taken as 0")


def test_forest_without_classes_is_known_by_its_near_infrared(make):
    scene = make(FOREST, STATED, carries=True, scl=None)
    assert settle_offsets([scene], GRID).findings[scene.id].offset == -0.1
    scene = make(FOREST, FALSE_FLAG, carries=False, scl=None)
    assert settle_offsets([scene], GRID).findings[scene.id].offset == 0.0


def test_forest_without_classes_needs_no_claims(make):
    scene = make(FOREST, NOTHING, carries=True, scl=None)
    finding = settle_offsets([scene], GRID).findings[scene.id]
    assert (finding.offset, finding.source, finding.corrected) == (-0.1, "pixels", True)
    assert "dense leaves reflect 0.24" in finding.evidence


def test_darks_that_were_cut_off_do_not_mislead(make):
    scene = make(FOREST, FALSE_FLAG, carries=False)
    for band, floor in (("blue", 0), ("red", 1)):
        rewrite(scene, band, np.maximum(numbers_of(scene, band).astype(int) - 280, floor).astype("uint16"))
    assert settle_offsets([scene], GRID).findings[scene.id].offset == 0.0


@pytest.mark.parametrize("scl", [4, 10, None])
def test_haze_is_no_offset(make, scl):
    scene = make(HAZY, FALSE_FLAG, carries=False, scl=scl)
    assert "leaves reflect" in settle_offsets([scene], GRID).refused[scene.id]


def test_what_no_class_names_is_told_apart_beside_other_scenes_of_the_season(make):
    clear = [make(FOREST, OLD, carries=False, day=f"2018-0{month}-15") for month in (6, 7, 8)]
    unnamed = make(FOREST, FALSE_FLAG, carries=True, scl=7)
    assert set(settle_offsets([unnamed], GRID).refused) == {unnamed.id}
    finding = settle_offsets([*clear, unnamed], GRID).findings[unnamed.id]
    assert (finding.offset, finding.source) == (-0.1, "series")
    assert "against the same ground in other scenes of the season red is +0.100 as it stands" in finding.evidence


def test_scenes_of_another_season_are_no_measure(make):
    clear = [make(FOREST, OLD, carries=False, day=f"2018-0{month}-15") for month in (1, 2, 3)]
    unnamed = make(FOREST, FALSE_FLAG, carries=True, scl=7)
    assert set(settle_offsets([*clear, unnamed], GRID).refused) == {unnamed.id}


def test_sand_is_left_to_claims_that_do_not_lie(make):
    old, lying = make(SAND, OLD, carries=False, scl=5), make(SAND, FALSE_FLAG, carries=False, scl=5)
    settled = settle_offsets([old, lying], GRID)
    assert settled.findings[old.id].source == "claims"
    assert set(settled.refused) == {lying.id}


# -- nothing to be seen ----------------------------------------------------------------------------------------


def test_clouds_alone_are_refused_where_the_flag_may_lie(make):
    scene = make(CLOUD, FALSE_FLAG, carries=False, scl=9)
    settled = settle_offsets([scene], GRID)
    assert not settled.scenes
    reason = settled.refused[scene.id]
    assert "its item says baseline 05.09, offset -0.1, offset not taken out" in reason
    assert "no pixel that could tell is clear" in reason
    assert "\n" not in reason


@pytest.mark.parametrize(("claims", "offset"), [(STATED, -0.1), (UNSTATED, -0.1), (TRUE_FLAG, 0.0), (OLD, 0.0)])
def test_clouds_are_taken_as_claimed_where_such_claims_are_not_known_to_lie(make, claims, offset):
    scene = make(CLOUD, claims, carries=offset < 0, scl=9)
    finding = settle_offsets([scene], GRID).findings[scene.id]
    assert (finding.offset, finding.source, finding.corrected) == (offset, "claims", False)
    assert "such claims are not known to lie" in finding.evidence


def test_clouds_go_with_the_scenes_that_claim_the_same(make):
    clear = [make(FOREST, FALSE_FLAG, carries=False) for _ in range(5)]
    cloud = make(CLOUD, FALSE_FLAG, carries=False, scl=9)
    finding = settle_offsets([*clear, cloud], GRID).findings[cloud.id]
    assert (finding.offset, finding.source, finding.corrected) == (0.0, "claims", True)
    assert "0 of 5 other scenes that claim the same carry the offset" in finding.evidence


def test_clouds_are_refused_where_scenes_that_claim_the_same_differ(make):
    clear = [make(FOREST, FALSE_FLAG, carries=k % 2 == 0) for k in range(6)]
    cloud = make(CLOUD, FALSE_FLAG, carries=False, scl=9)
    settled = settle_offsets([*clear, cloud], GRID)
    assert "3 of 6 other scenes that claim the same carry the offset" in settled.refused[cloud.id]
    assert [settled.findings[scene.id].offset for scene in clear] == [-0.1, 0.0] * 3


def test_claims_that_pixels_of_other_scenes_contradict_are_believed_no_more(make):
    clear = [make(FOREST, STATED, carries=False) for _ in range(3)]
    cloud = make(CLOUD, STATED, carries=False, scl=9)
    assert set(settle_offsets([*clear, cloud], GRID).refused) == {cloud.id}
    clear += [make(FOREST, STATED, carries=False) for _ in range(17)]
    assert settle_offsets([*clear, cloud], GRID).findings[cloud.id].offset == 0.0


def test_other_claims_say_nothing_of_a_cloud(make):
    clear = [make(FOREST, TRUE_FLAG, carries=False) for _ in range(6)]
    cloud = make(CLOUD, FALSE_FLAG, carries=False, scl=9)
    assert set(settle_offsets([*clear, cloud], GRID).refused) == {cloud.id}


def test_a_true_flag_against_the_pixels_is_refused_not_believed(make):
    scene = make(FOREST, TRUE_FLAG, carries=True)
    reason = settle_offsets([scene], GRID).refused[scene.id]
    assert "offset taken out" in reason
    assert "with 0.1 off" in reason


def test_a_scene_that_misses_the_area_passes_as_it_is(make):
    scene = make(FOREST, FALSE_FLAG, carries=False)
    elsewhere = grid_over((600_000, 4_800_000, 600_200, 4_800_200), "EPSG:32652", 20)
    settled = settle_offsets([scene], elsewhere)
    assert settled.scenes == (scene,)
    assert settled.findings[scene.id].source == "nothing"


# -- what else is not right ---------------------------------------------------------------------------------------


def test_bands_that_differ_by_an_offset_are_refused(make):
    scene = make(FOREST, TRUE_FLAG, carries=False)
    rewrite(scene, "blue", numbers_of(scene, "blue") + 1000)
    assert "one carries an offset" in settle_offsets([scene], GRID).refused[scene.id]


def test_a_scale_that_is_not_the_products_is_corrected(make):
    scene = make(FOREST, OLD, carries=False)
    scene = replace(scene, bands={name: replace(asset, scale=1.0) for name, asset in scene.bands.items()})
    settled = settle_offsets([scene], GRID)
    assert {asset.scale for asset in settled.scenes[0].bands.values()} == {0.0001}
    assert settled.findings[scene.id].corrected


def test_other_sensors_pass_untouched(make):
    scene = replace(make(FOREST, OLD, carries=False), sensor=LANDSAT, claims=None)
    settled = settle_offsets([scene], GRID)
    assert settled.scenes == (scene,)
    assert not settled.findings


def test_one_name_for_two_scenes_is_refused(make):
    scene = make(FOREST, OLD, carries=False)
    with pytest.raises(CatalogueError, match="item S2_001: is there twice"):
        settle_offsets([scene, scene], GRID)


def test_a_file_that_cannot_be_read_is_an_error(make):
    scene = make(FOREST, OLD, carries=False)
    Path(scene.bands["red"].href).write_bytes(b"not a raster")
    with pytest.raises(ReadError, match="cannot be read"):
        settle_offsets([scene], GRID)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    make = Maker(tmp_path_factory.mktemp("mixed"))
    return [
        make(FOREST, FALSE_FLAG, carries=False),
        make(FOREST, FALSE_FLAG, carries=False, day="2022-06-20"),
        make(FOREST, STATED, carries=True),
        make(HAZY, FALSE_FLAG, carries=False),
        make(CLOUD, FALSE_FLAG, carries=False, scl=9),
        make(CLOUD, NOTHING, carries=True, scl=9),
    ]


@settings(max_examples=15)
@given(order=st.permutations(range(6)), workers=st.sampled_from([0, 1, 3]))
def test_order_and_workers_change_nothing(mixed, order, workers):
    expected = settle_offsets(mixed, GRID)
    scenes = [mixed[k] for k in order]
    if workers:
        with ThreadPoolExecutor(workers) as executor:
            settled = settle_offsets(scenes, GRID, executor=executor)
    else:
        settled = settle_offsets(scenes, GRID)
    assert settled.findings == expected.findings
    assert settled.refused == expected.refused
    kept = {scene.id: scene for scene in expected.scenes}
    assert settled.scenes == tuple(kept[scene.id] for scene in scenes if scene.id in kept)


# -- clues and samples ----------------------------------------------------------------------------------------------


@given(dark=st.floats(0.005, 0.04), leaves=st.floats(0.2, 0.45), seed=st.integers(0, 99))
def test_dark_things_tell_on_which_side_they_are(dark, leaves, seed):
    light = np.random.default_rng(seed).uniform(0.9, 1.1, (20, 20))
    ground = {"blue": dark, "green": dark + 0.02, "red": dark, "nir08": leaves, "swir16": leaves / 2}
    for carries in (False, True):
        bands = {band: (10_000 * value * light + 1000 * carries).astype("float32") for band, value in ground.items()}
        weight = sum(clue.weight for clue in own_clues(Sample(bands, np.full((20, 20), 4, "uint16"))))
        assert weight > 1.5 if carries else weight < -1.5
        assert disagreement(Sample(bands, None)) is None


def test_a_few_stray_dark_pixels_do_not_speak_against_the_offset():
    bands = {band: np.full((40, 40), 10_000 * value + 1000, "float32") for band, value in FOREST.items()}
    bands["red"][0, :20] = 300  # at the swath's edge: 1.2% of the pixels
    assert sum(clue.weight for clue in own_clues(Sample(bands, np.full((40, 40), 4, "uint16")))) > 1.5


def test_a_small_area_is_sampled_whole_and_outside_is_nothing(make):
    scene = make(FOREST, OLD, carries=False)
    sample = take_sample(scene, grid_over((499_900, 4_800_000, 500_100, 4_800_200), "EPSG:32652", 20))
    assert sample.shape == (20, 20)
    assert np.isnan(sample.bands["red"][:, :10]).all()
    np.testing.assert_array_equal(sample.bands["red"][::2, 10::2], numbers_of(scene)[:, :5])
    np.testing.assert_array_equal(sample.bands["red"][1::2, 11::2], numbers_of(scene)[:, :5])
    assert set(np.unique(sample.codes[:, 10:])) == {4}
    assert set(np.unique(sample.codes[:, :10])) == {0}


def test_a_large_area_is_thinned_by_nearest(make, tmp_path):
    large = grid_over((500_000, 4_790_000, 510_000, 4_800_000), "EPSG:32652", 20)
    codes = np.where(np.indices((500, 500)).sum(axis=0) % 2, 4, 9)
    path = Layer(codes, large, dtype="uint8").write(tmp_path / "codes.tif")
    scene = replace(make(FOREST, OLD, carries=False), quality=Asset(str(path)))
    sample = take_sample(scene, large)
    assert sample.shape == (LATTICE, LATTICE)
    assert set(np.unique(sample.codes)) == {4, 9}
    assert max(sample.sparse().shape) <= 32


def test_a_file_of_another_zone_is_sampled_where_it_lies(make):
    scene = make(FOREST, OLD, carries=False)
    box = GRID.to_crs("EPSG:32651").boundingbox
    middle = ((box.left + box.right) / 2, (box.bottom + box.top) / 2)
    around = grid_over((middle[0] - 30, middle[1] - 30, middle[0] + 30, middle[1] + 30), "EPSG:32651", 20)
    sample = take_sample(scene, around)
    assert np.isfinite(sample.bands["red"]).all()
    assert set(np.unique(sample.bands["red"])) <= set(np.unique(numbers_of(scene)))


def mixed_ground(parts: list[tuple[dict[str, float], float, int]], *, classes: bool, carries: bool) -> float:
    """Weight of a picture of 40 x 40 pixels that is made of grounds, each with its share and its class."""
    rng = np.random.default_rng(1)
    shares = np.array([share for _, share, _ in parts])
    which = rng.permutation(np.repeat(np.arange(len(parts)), np.round(1600 * shares).astype(int))).reshape(40, 40)
    light = rng.uniform(0.95, 1.05, which.shape)
    bands = {
        band: (np.array([ground[band] for ground, _, _ in parts])[which] * light * 10_000 + 1000 * carries)
        for band in parts[0][0]
    }
    codes = np.array([code for *_, code in parts], "uint16")[which]
    return sum(clue.weight for clue in own_clues(Sample(bands, codes if classes else None)))


def test_a_few_evergreens_tell_for_a_leafless_wood_without_classes():
    wood = [(BARE, 0.97, 5), (FOREST, 0.03, 4)]
    assert mixed_ground(wood, classes=False, carries=True) > 1.5
    assert mixed_ground(wood, classes=False, carries=False) < -1.5
    assert 0 < mixed_ground([(BARE, 1.0, 5)], classes=False, carries=True) < 1.5


def test_a_cloud_that_drifts_over_leaves_brightens_them_unevenly():
    water = CLOUD | {"swir16": 0.6}  # of drops, not ice: as bright there as in the visible

    def through(share: float) -> dict[str, float]:
        return {band: (1 - share) * FOREST[band] + share * water[band] for band in FOREST}

    drifting = [(through(share), 0.2, 4) for share in (0.15, 0.18, 0.21, 0.24, 0.27)]
    assert 0 < mixed_ground(drifting, classes=False, carries=False) < 1.5


def test_bare_soil_takes_nothing_from_what_a_little_vegetation_says_but_clouds_do():
    assert mixed_ground([(SOIL, 0.85, 5), (FOREST, 0.15, 4)], classes=True, carries=True) > 1.5
    assert mixed_ground([(CLOUD, 0.85, 9), (FOREST, 0.15, 4)], classes=True, carries=True) < 1.5
    assert mixed_ground([(SOIL, 0.85, 7), (FOREST, 0.15, 4)], classes=True, carries=True) < 1.5


def test_dark_rock_in_a_desert_is_no_offset():
    rock = {"blue": 0.11, "green": 0.12, "red": 0.13, "nir08": 0.15, "swir16": 0.17, "swir22": 0.16}
    assert mixed_ground([(SAND, 0.85, 5), (rock, 0.15, 2)], classes=True, carries=False) < 1.5
