"""Scenes: the sun, shadows, seasons, both sensors, and masks that are right and wrong in the right measure."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from scipy import ndimage

from habitat.simulate import quality, spectra
from habitat.simulate.area import Area
from habitat.simulate.disturbance import make_history
from habitat.simulate.fields import block_mean
from habitat.simulate.history import History
from habitat.simulate.landscape import make_landscape
from habitat.simulate.scenes import LANDSAT, SENTINEL2, Overpass, plan_overpasses, take_scene
from habitat.simulate.sky import Sun, draw_sky, sun_at, through
from habitat.simulate.streams import Streams
from habitat.simulate.surface import Ground, make_ground, make_surface, reflectance
from habitat.simulate.terrain import make_terrain

AREA, STREAMS, YEARS = Area.of_size(0.9), Streams(2), range(2019, 2021)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return make_ground(make_landscape(AREA, make_terrain(AREA, STREAMS), STREAMS), STREAMS)


@pytest.fixture(scope="module")
def history(ground: Ground) -> History:
    return make_history(ground.landscape, YEARS, STREAMS)


def test_sun_stands_where_almanacs_say() -> None:
    # at the June solstice the noon sun over 43.1 N stands at 90 - 43.1 + 23.44 degrees, in the south
    noon = datetime(2019, 6, 21, 3, 17, tzinfo=UTC)
    sun = sun_at(noon, 43.1, 130.8)
    assert sun.elevation == pytest.approx(70.3, abs=0.6)
    assert sun.azimuth == pytest.approx(180, abs=3)
    morning = sun_at(datetime(2019, 12, 21, 2, 10, tzinfo=UTC), 43.1, 130.8)
    assert 140 < morning.azimuth < 175
    assert 19 < morning.elevation < 24


@pytest.mark.parametrize("azimuth", [100.0, 150.0, 220.0])
def test_shadows_lie_away_from_the_sun(azimuth: float) -> None:
    sky = draw_sky(np.random.default_rng(4), (400, 400), Sun(azimuth, 50.0), 0.45)
    to_sun = np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
    east, north = sky.shadow_m
    assert np.array([east, north]) @ to_sun == pytest.approx(-np.hypot(east, north))
    assert 900 < np.hypot(east, north) * np.tan(np.radians(50.0)) < 2600, "the height of the clouds"
    right, down = round(east / 10), round(-north / 10)
    assert _likeness(sky.opacity, sky.shade, down, right) > 0.95
    assert _likeness(sky.opacity, sky.shade, -down, -right) < 0.5


def _likeness(cloud: np.ndarray, shade: np.ndarray, down: int, right: int) -> float:
    """Correlation of clouds with the shade that lies `down` rows and `right` columns from them."""
    n = len(cloud)
    here = (slice(max(0, -down), n - max(0, down)), slice(max(0, -right), n - max(0, right)))
    there = (slice(max(0, down), n - max(0, -down)), slice(max(0, right), n - max(0, -right)))
    return float(np.corrcoef(cloud[here].ravel(), shade[there].ravel())[0, 1])


def test_clouds_cover_what_was_asked() -> None:
    for share in (0.0, 0.3, 0.8):
        sky = draw_sky(np.random.default_rng(1), (200, 200), Sun(150, 50), share)
        assert (sky.opacity > 0).mean() == pytest.approx(share, abs=0.05)


def test_seasons_tell_forests_apart(ground: Ground, history: History) -> None:
    def greenness(month: int, day: int, codes: tuple[int, ...]) -> float:
        state = history.at(date(2019, month, day))
        bands = reflectance(ground, make_surface(ground, state, STREAMS), SENTINEL2, 160, 50)
        ndvi = (bands[3] - bands[2]) / (bands[3] + bands[2])
        return float(np.median(ndvi[np.isin(state.code, codes)]))

    assert greenness(7, 20, (14,)) > 0.75
    assert greenness(4, 20, (14,)) < 0.45
    assert greenness(4, 25, (11,)) > 0.55
    assert greenness(7, 20, (22,)) < greenness(7, 20, (14,)) - 0.05
    assert greenness(1, 20, (22,)) < 0.1, "snow"
    assert greenness(7, 20, (50,)) < 0


def test_both_sensors_agree_to_a_few_hundredths(ground: Ground, history: History) -> None:
    surface = make_surface(ground, history.at(date(2019, 7, 20)), STREAMS)
    first, second = (reflectance(ground, surface, sensor, 150, 60) for sensor in (SENTINEL2, LANDSAT))
    assert np.abs(first - second).max() < 0.03
    assert np.abs(first - second).mean() > 0.0002, "their bands are not the same"


def test_shares_of_a_pixel_are_shares(ground: Ground, history: History) -> None:
    for month in (1, 4, 6, 8, 10):
        shares = make_surface(ground, history.at(date(2020, month, 15)), STREAMS).shares
        assert shares.min() >= -1e-6
        assert shares.sum(axis=0).max() <= 1 + 1e-4


def test_spectra_have_the_marks_they_must() -> None:
    for sensor in (SENTINEL2, LANDSAT):
        blue, green, red, nir, swir16, swir22 = spectra.band_reflectance(sensor).T
        assert green[spectra.LEAF] > max(blue[spectra.LEAF], red[spectra.LEAF])
        assert nir[spectra.LEAF] > 10 * red[spectra.LEAF]
        assert nir[spectra.NEEDLE] < 0.7 * nir[spectra.LEAF]
        assert green[spectra.SNOW] > 0.85 > 0.2 > swir16[spectra.SNOW]
        assert swir22[spectra.CHAR] > nir[spectra.CHAR], "burnt ground has a negative burn ratio"
        assert nir[spectra.OPEN_WATER] < 0.03
        assert swir16[spectra.LITTER] > nir[spectra.LITTER]


def test_overpasses_keep_the_satellites_cycles() -> None:
    passes = plan_overpasses(range(2016, 2026), Streams(0))
    assert len(passes) == 80
    for platform, cycle in (("sentinel-2a", 10), ("sentinel-2b", 10), ("landsat-8", 16), ("landsat-9", 16)):
        days = [o.when.toordinal() for o in passes if o.platform == platform]
        assert days
        assert len({day % cycle for day in days}) == 1
    assert min(o.when.date() for o in passes if o.platform == "sentinel-2b") >= date(2017, 7, 1)
    assert min(o.when.date() for o in passes if o.platform == "landsat-9") >= date(2021, 11, 1)
    for year in range(2016, 2026):
        inside = [o for o in passes if o.when.year == year and (6, 1) <= (o.when.month, o.when.day) <= (9, 15)]
        assert [sum(o.sensor == s for o in inside) for s in (SENTINEL2, LANDSAT)] == [2, 2]
    covers = np.array([o.cloud_cover for o in passes])
    assert covers.max() <= 0.8
    july = np.array([o.cloud_cover for o in passes if o.when.month == 7])
    spring = np.array([o.cloud_cover for o in passes if o.when.month in (3, 4)])
    assert july.mean() > spring.mean()


def test_masks_find_most_clouds_and_shadows_but_not_all(ground: Ground, history: History) -> None:
    sun = Sun(150.0, 58.0)
    surface = make_surface(ground, history.at(date(2019, 7, 20)), STREAMS)
    clear = reflectance(ground, surface, SENTINEL2, sun.azimuth, sun.elevation)
    caught, missed, false = [], [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sky = draw_sky(rng, clear.shape[1:], sun, 0.35)
        bands, opacity, shade = (block_mean(a, 2) for a in (through(sky, clear, SENTINEL2), sky.opacity, sky.shade))
        verdict = quality.judge(rng, bands, opacity, shade)
        codes = quality.scl(verdict, bands)
        marked = np.isin(codes, (8, 9, 10))
        caught.append(marked[opacity > 0.7])
        missed.append(~marked[(opacity > 0.1) & (opacity < 0.4)])
        false.append((codes == 3)[(shade < 0.02) & (opacity < 0.02)])
        assert set(np.unique(codes)) <= {2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
    assert np.concatenate(caught).mean() > 0.97
    assert 0.05 < np.concatenate(missed).mean() < 0.9
    assert 0 < np.concatenate(false).mean() < 0.1


def test_qa_pixel_holds_the_values_of_the_product_guide() -> None:
    no = np.zeros((1, 1), dtype=bool)
    yes = ~no

    def bits(**flags: np.ndarray) -> int:
        verdict = {"thick": no, "thin": no, "shadow": no, "snow": no, "water": no} | flags
        return int(quality.qa_pixel(quality.Verdict(**verdict))[0, 0])

    assert bits() == 21824
    assert bits(water=yes) == 21952
    assert bits(thick=yes) == 22280
    assert bits(shadow=yes) == 23888
    assert bits(snow=yes) == 30048
    wide = np.zeros((7, 7), dtype=bool)
    wide[3, 3] = True
    rest = np.zeros_like(wide)
    around = quality.qa_pixel(quality.Verdict(wide, rest, rest, rest, rest))
    assert around[3, 4] & 2
    assert not around[3, 4] & (1 << 6), "a dilated cloud is not clear"


def test_snow_is_marked_as_snow(ground: Ground, history: History) -> None:
    overpass = Overpass(
        LANDSAT, "landsat-8", datetime(2019, 1, 25, 2, 8, tzinfo=UTC), Sun(155.0, 25.0), cloud_cover=0.0
    )
    scene = take_scene(AREA, history, ground, overpass, STREAMS)
    snow = (scene.assets["qa_pixel"].values[1:-1, 1:-1] >> 5) & 1
    cover = history.at(overpass.when.date()).cover
    crowns = block_mean(cover[6:-6, 6:-6], 3)[1:, 1:]  # 15 m beside the scene's pixels: near enough
    in_the_open, below_crowns = (snow[part[: len(snow), : len(snow)]].mean() for part in (crowns < 0.1, crowns > 0.7))
    assert in_the_open > 0.5 > 0.3 > below_crowns
    assert scene.cloud_percent < 5


def test_a_clear_scene_shows_the_ground(ground: Ground, history: History) -> None:
    when = datetime(2019, 7, 20, 2, 16, tzinfo=UTC)
    sun = sun_at(when, 43.1, 130.8)
    scene = take_scene(AREA, history, ground, Overpass(SENTINEL2, "sentinel-2a", when, sun, 0.0), STREAMS)
    surface = make_surface(ground, history.at(when.date()), STREAMS)
    fine = reflectance(ground, surface, SENTINEL2, sun.azimuth, sun.elevation)[3]
    expected = block_mean(ndimage.gaussian_filter(fine, 1.0)[6:-6, 6:-6], 2)
    seen = scene.assets["nir08"].values / 10_000
    assert np.corrcoef(seen.ravel(), expected.ravel())[0, 1] > 0.97
    assert abs(float(np.median(seen - expected))) < 0.03
