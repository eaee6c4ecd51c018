from __future__ import annotations

import numpy as np
import pytest

from habitat.cubes import BANDS, Quality
from habitat.sensors import HLS_L30, HLS_S30, LANDSAT, LANDSAT_TM, SENSORS, SENTINEL2, Sensor


@pytest.mark.parametrize(
    ("code", "bits"),
    [
        (0, Quality.FILL),
        (1, Quality.SATURATED),
        (2, 0),  # dark: shaded forest, not shadow
        (3, Quality.SHADOW),
        (4, 0),  # vegetation
        (5, 0),  # bare
        (6, Quality.WATER),
        (7, 0),  # unclassified
        (8, Quality.CLOUD),
        (9, Quality.CLOUD),
        (10, Quality.CIRRUS),
        (11, Quality.SNOW),
    ],
)
def test_scene_classification(code: int, bits: int) -> None:
    assert SENTINEL2.quality.lookup[code] == bits


# Values and their meaning as table 6-3 of LSDS-1619 lists them.
@pytest.mark.parametrize(
    ("code", "bits"),
    [
        (1, Quality.FILL),
        (21824, 0),  # clear, low confidences
        (21826, Quality.CLOUD),  # dilated cloud over land
        (21888, Quality.WATER),  # water, clear with low confidences
        (21952, Quality.WATER),
        (22080, 0),  # middle confidence of cloud: the cloud bit is not set
        (22280, Quality.CLOUD),  # high confidence of cloud
        (23888, Quality.SHADOW),
        (23952, Quality.SHADOW | Quality.WATER),
        (30048, Quality.SNOW),
        (54596, Quality.CIRRUS),
        (55052, Quality.CIRRUS | Quality.CLOUD),
    ],
)
def test_qa_pixel(code: int, bits: int) -> None:
    assert LANDSAT.quality.lookup[code] == bits


# Bits as the tables on QA_RADSAT of LSDS-1619 and LSDS-1618 list them: bit k - 1 is band k.
@pytest.mark.parametrize(
    ("sensor", "bit", "bits"),
    [
        (LANDSAT, 0, 0),  # coastal aerosol: not one of ours
        (LANDSAT, 1, Quality.SATURATED),  # blue
        (LANDSAT, 6, Quality.SATURATED),  # swir22
        (LANDSAT, 8, 0),  # cirrus
        (LANDSAT, 11, Quality.SATURATED),  # the ground is hidden by terrain
        (LANDSAT_TM, 0, Quality.SATURATED),  # blue
        (LANDSAT_TM, 4, Quality.SATURATED),  # swir16
        (LANDSAT_TM, 5, 0),  # thermal
        (LANDSAT_TM, 6, Quality.SATURATED),  # swir22
        (LANDSAT_TM, 8, 0),  # thermal, high gain
        (LANDSAT_TM, 9, Quality.FILL),  # dropped pixel
        (LANDSAT_TM, 11, 0),
    ],
)
def test_qa_radsat(sensor: Sensor, bit: int, bits: int) -> None:
    assert sensor.saturation is not None
    assert sensor.saturation.lookup[1 << bit] == bits
    assert sensor.saturation.lookup[0] == 0


# Bits and their meaning as the HLS user guide lists them; bits 6 and 7 are the aerosol's level.
@pytest.mark.parametrize(
    ("code", "bits"),
    [
        (0, 0),
        (64, 0),  # clear, low aerosol
        (192, 0),  # clear, high aerosol
        (194, Quality.CLOUD),
        (4, Quality.CLOUD),  # adjacent to cloud or shadow
        (68, Quality.CLOUD),
        (8, Quality.SHADOW),
        (16, Quality.SNOW),
        (32, Quality.WATER),
        (160, Quality.WATER),
        (96 | 2 | 8, Quality.WATER | Quality.CLOUD | Quality.SHADOW),
        (255, Quality.FILL),  # though every bit is set
        (254, Quality.CLOUD | Quality.SHADOW | Quality.SNOW | Quality.WATER),
    ],
)
def test_fmask(code: int, bits: int) -> None:
    assert HLS_S30.quality.lookup[code] == bits
    assert HLS_L30.quality.lookup[code] == bits


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.name)
def test_every_sensor_has_all_bands_and_a_whole_table(sensor: object) -> None:
    assert tuple(sensor.bands) == BANDS  # type: ignore[attr-defined]
    lookup = sensor.quality.lookup  # type: ignore[attr-defined]
    assert lookup.shape == (2**sensor.quality.n_bits,)  # type: ignore[attr-defined]
    assert lookup.dtype == np.uint8
    assert lookup[sensor.quality.fill] == Quality.FILL  # type: ignore[attr-defined]


def test_near_infrared_is_the_narrow_band() -> None:
    assert "B8A" in SENTINEL2.bands["nir08"]
    assert "B08" not in {name for names in SENTINEL2.bands.values() for name in names}


@pytest.mark.parametrize(
    ("platform", "sensor"),
    [
        ("sentinel-2a", SENTINEL2),
        ("landsat-8", LANDSAT),
        ("landsat_9", LANDSAT),
        ("landsat-c2-l2", LANDSAT),  # a collection's name, where an item has no platform
        ("landsat-7", LANDSAT_TM),
        ("landsat_5", LANDSAT_TM),
        ("le07_l2sp_113030", LANDSAT_TM),
    ],
)
def test_band_numbers_belong_to_the_instrument(platform: str, sensor: object) -> None:
    assert next(s for s in SENSORS if platform.startswith(s.platforms)) is sensor


def test_blue_is_band_2_on_oli_and_band_1_on_tm() -> None:
    assert "SR_B2" in LANDSAT.bands["blue"]
    assert "SR_B1" in LANDSAT_TM.bands["blue"]


def test_hls_goes_by_the_numbers_of_the_sensor_that_was_harmonised() -> None:
    assert ("B8A" in HLS_S30.bands["nir08"], "B05" in HLS_L30.bands["nir08"]) == (True, True)
    assert ("B11" in HLS_S30.bands["swir16"], "B06" in HLS_L30.bands["swir16"]) == (True, True)
    for sensor in (HLS_S30, HLS_L30):
        assert (sensor.scale, sensor.offset, sensor.nodata, sensor.resolution_m) == (0.0001, 0.0, -9999, 30)


def test_no_two_sensors_share_a_name_and_no_name_serves_two_bands() -> None:
    assert len({sensor.name for sensor in SENSORS}) == len(SENSORS)
    for sensor in SENSORS:
        names = [name.lower() for named in (*sensor.bands.values(), sensor.quality.assets) for name in named]
        assert len(set(names)) == len(names)


def test_ten_metres_come_before_twenty() -> None:
    assert SENTINEL2.bands["red"].index("B04_10m") < SENTINEL2.bands["red"].index("B04_20m")
