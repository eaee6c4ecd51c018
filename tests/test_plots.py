"""Pictures: honest keys, whatever the data; and no trace left in matplotlib."""

from __future__ import annotations

import subprocess
import sys

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from odc.geo.geobox import GeoBox
from shapely.geometry import MultiPolygon, box

from habitat import plots
from habitat.cubes import UNKNOWN_LOSS
from habitat.grids import grid_over
from habitat.legend import DEFAULT_LEGEND


@pytest.fixture
def grid() -> GeoBox:
    return grid_over((500_000, 4_800_000, 500_600, 4_800_400), "EPSG:32652", 20)


@pytest.fixture
def codes(grid) -> np.ndarray:
    code = np.full(grid.shape, 14, dtype=np.uint8)
    code[:, 20:] = 22
    return code


@pytest.fixture
def bands(grid) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.uniform(0, 0.3, grid.shape) for name in ("blue", "green", "red", "nir08", "swir16")}


def cells(**columns) -> gpd.GeoDataFrame:
    shapes = [box(300 * i, 300 * j, 300 * i + 300, 300 * j + 300) for j in range(3) for i in range(3)]
    plain = {
        "surveyed": [True] * 6 + [False] * 3,
        "detected": [True] * 2 + [False] * 7,
        "extrapolated": [False] * 9,
        "psi": np.linspace(0.1, 0.9, 9),
        "lower": np.linspace(0, 0.8, 9),
        "upper": np.linspace(0.3, 1, 9),
    }
    return gpd.GeoDataFrame({**plain, **columns}, geometry=shapes, crs="EPSG:32652")


def labels(figure) -> set[str]:
    return {text.get_text() for key in figure.legends for text in key.get_texts()}


def is_drawn(figure) -> bool:
    data = plots.to_png(figure, dpi=60)
    return data.startswith(b"\x89PNG") and data == plots.to_png(figure, dpi=60)


# -- the key ---------------------------------------------------------------------------------------------


def test_the_key_lists_the_classes_that_are_there_and_no_other(codes, grid):
    figure = plots.forest_map(codes, grid, DEFAULT_LEGEND)
    assert labels(figure) == {"oak and other broadleaves", "grassland"}
    codes[0, 0] = 0
    assert any("not seen" in label for label in labels(plots.forest_map(codes, grid, DEFAULT_LEGEND)))


def test_classes_have_the_colours_of_the_legend(codes, grid):
    image = plots.forest_map(codes, grid, DEFAULT_LEGEND).axes[0].images[0].get_array()
    assert to_hex(image[0, 0] / 255) == DEFAULT_LEGEND[14].color
    assert to_hex(image[0, 25] / 255) == DEFAULT_LEGEND[22].color


def test_what_was_not_seen_has_no_colour(codes, grid, bands):
    codes[3, 4] = 0
    assert plots.forest_map(codes, grid, DEFAULT_LEGEND).axes[0].images[0].get_array()[3, 4, 3] == 0
    bands["red"][3, 4] = np.nan
    assert plots.true_color(bands, grid).axes[0].images[0].get_array()[3, 4, 3] == 0
    looks = np.ones(grid.shape, dtype=np.int16)
    looks[3, 4] = 0
    assert plots.looks_map(looks, grid).axes[0].images[0].get_array()[3, 4, 3] == 0


def test_text_of_others_is_not_read_as_mathematics(codes, grid):
    legend = type(DEFAULT_LEGEND)((type(DEFAULT_LEGEND[14])(14, "$wood_{1$", "#3fa34d", True),))
    assert is_drawn(plots.forest_map(codes, grid, legend, title="50 % of $1$ \\alpha"))


# -- loss ------------------------------------------------------------------------------------------------


def test_years_keep_their_colour_in_map_and_chart(grid):
    loss = np.zeros(grid.shape, dtype=np.uint16)
    loss[2, 3], loss[4, 5] = 2018, 2020
    image = plots.loss_map(loss, grid, years=range(2017, 2022)).axes[0].images[0].get_array()
    areas = pd.DataFrame({"year": range(2017, 2022), "what": "loss", "estimate_ha": 1.0, "lower": None, "upper": None})
    bars = plots.loss_by_year(areas.astype({"lower": float, "upper": float})).axes[0].patches
    assert to_hex(image[2, 3]) == to_hex(bars[1].get_facecolor())
    assert to_hex(image[4, 5]) == to_hex(bars[3].get_facecolor())


def test_a_map_without_loss_has_no_colour_bar(grid):
    loss = np.zeros(grid.shape, dtype=np.uint16)
    assert len(plots.loss_map(loss, grid, years=[2019, 2020]).axes) == 1
    loss[:] = UNKNOWN_LOSS
    figure = plots.loss_map(loss, grid)
    assert (figure.axes[0].images[0].get_array()[..., 3] == 0).all()


def test_limits_are_drawn_only_where_they_were_estimated():
    areas = pd.DataFrame(
        {"year": [2019, 2020], "what": "loss", "estimate_ha": [5, 7], "lower": [3, np.nan], "upper": [9, np.nan]}
    )
    axes = plots.loss_by_year(areas).axes[0]
    (whiskers,) = axes.containers[1].lines[2]
    assert [segment[:, 1].tolist() for segment in whiskers.get_segments()] == [[3, 9]]


@pytest.mark.parametrize("n_years", [0, 1, 40])
def test_any_number_of_years_fits(n_years):
    years = np.arange(1985, 1985 + n_years)
    areas = pd.DataFrame({"year": years, "what": "loss", "estimate_ha": 1.0, "lower": np.nan, "upper": np.nan})
    figure = plots.loss_by_year(areas)
    assert is_drawn(figure)
    assert len(figure.axes[0].get_xticklabels()) <= 14


# -- cells -----------------------------------------------------------------------------------------------


def test_surveyed_and_extrapolated_cells_are_marked():
    figure = plots.occupancy_map(cells(extrapolated=[False] * 8 + [True]))
    assert labels(figure) == {
        "surveyed, animal recorded",
        "surveyed, not recorded",
        "no dot: not surveyed",
        "extrapolated",
    }
    dots = [len(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert dots == [4, 2]


def test_without_a_model_there_is_no_scale_of_probability():
    nothing = [np.nan] * 9
    figure = plots.occupancy_map(cells(psi=nothing, lower=nothing, upper=nothing))
    assert len(figure.axes) == 1
    assert "no estimate" in labels(figure)
    assert is_drawn(figure)


def test_doubt_is_the_width_of_the_limits():
    table = cells()
    drawn = plots.doubt_map(table).axes[0].collections[0].get_facecolor()
    wide = mpl.colormaps["PuRd"](table["upper"] - table["lower"])
    assert np.allclose(drawn, wide)


def test_cells_of_any_shape_are_drawn():
    table = cells()
    table.loc[0, "geometry"] = MultiPolygon([box(0, 0, 100, 100), box(200, 200, 300, 300)])
    table.loc[1, "geometry"] = box(300, 0, 600, 300).difference(box(400, 100, 500, 200))
    assert is_drawn(plots.share_map(table, "psi", label="share"))


def test_naive_and_model_stand_side_by_side():
    share = pd.DataFrame(
        {
            "season": [2020, 2021],
            "naive": [0.2, 0.3],
            "estimate": [0.4, None],
            "lower": [0.3, None],
            "upper": [0.6, None],
        }
    ).astype({"estimate": float, "lower": float, "upper": float})
    axes = plots.share_by_season(share).axes[0]
    assert [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()] == [[0.3, 0.6]]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["2020", "2021"]


def looks(**changed) -> pd.DataFrame:
    times = pd.to_datetime(["2020-06-04", "2020-07-01", "2021-06-09", "2022-08-30"])
    table = {
        "time": times,
        "value": [0.8, 0.2, np.nan, 0.7],
        "sensor": "sentinel-2",
        "clear": [True, False, True, True],
    }
    return pd.DataFrame(table | changed)


def test_a_pixel_s_series_tells_clear_looks_from_others():
    figure = plots.pixel_series(looks(), label="NDVI")
    clear, spoilt = figure.axes[0].lines
    assert clear.get_ydata().tolist() == [0.8, 0.7]
    assert spoilt.get_ydata().tolist() == [0.2]
    assert spoilt.get_markerfacecolor() == "none"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sentinel-2", "not clear"]
    assert is_drawn(figure)


@pytest.mark.parametrize("values", [[np.nan] * 4, [0.1, 0.2, 0.3, 0.4]])
def test_a_series_of_nothing_or_of_clear_looks_alone_is_drawn(values):
    figure = plots.pixel_series(looks(value=values, clear=True, sensor=["landsat", "hls"] * 2), label="NDVI")
    assert "not clear" not in {text.get_text() for legend in figure.legends for text in legend.get_texts()}
    assert is_drawn(figure)


# -- composites ------------------------------------------------------------------------------------------


def test_before_and_after_share_one_stretch(grid, bands):
    after = {name: values.copy() for name, values in bands.items()}
    after["red"][:5] += 0.4
    first, second = (axes.images[0].get_array() for axes in plots.before_after(bands, after, grid).axes)
    assert np.allclose(first[5:], second[5:])
    assert not np.allclose(first[:5], second[:5])


def test_an_unseen_composite_is_hatched_all_over(grid, bands):
    blind = {name: np.full(grid.shape, np.nan) for name in bands}
    outline = box(500_100, 4_800_100, 500_200, 4_800_200)
    assert is_drawn(plots.before_after(blind, bands, grid, outline=outline))
    assert is_drawn(plots.true_color(blind, grid, show=("swir16", "nir08", "red")))


# -- manners ---------------------------------------------------------------------------------------------


def test_scale_bars_are_round_and_true(codes, grid):
    axes = plots.forest_map(codes, grid, DEFAULT_LEGEND).axes[0]
    bar = axes.lines[0]
    west, east = axes.get_xlim()
    length = (bar.get_xdata()[1] - bar.get_xdata()[0]) * (east - west)
    assert length == pytest.approx(100)
    assert "100 m" in {text.get_text() for text in axes.texts}


@pytest.mark.parametrize(("width", "height"), [(20, 4000), (4000, 20), (20, 20)])
def test_areas_of_any_shape_fit_on_the_sheet(width, height):
    grid = grid_over((0, 0, width, height), "EPSG:32652", 20)
    figure = plots.forest_map(np.full(grid.shape, 14, dtype=np.uint8), grid, DEFAULT_LEGEND)
    assert max(figure.get_size_inches()) < 12
    assert is_drawn(figure)


def test_a_notebook_shows_the_figure(codes, grid):
    png, size = plots.forest_map(codes, grid, DEFAULT_LEGEND)._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert size["width"] == 480


def test_pyplot_and_the_settings_are_left_alone():
    program = """
import sys, matplotlib
before = matplotlib.rcParams.copy()
import numpy as np
from habitat import plots
from habitat.grids import grid_over
grid = grid_over((0, 0, 200, 200), "EPSG:32652", 20)
plots.to_png(plots.looks_map(np.ones(grid.shape, dtype="int16"), grid))
assert "matplotlib.pyplot" not in sys.modules, "pyplot was imported"
assert matplotlib.rcParams.copy() == before, "settings were changed"
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_a_pixels_course_trajectory_and_breaks_are_drawn_and_named_once():
    times = pd.to_datetime(["2019-06-01", "2020-06-01", "2021-06-01"])
    series = pd.DataFrame({"time": times, "value": [0.6, 0.6, 0.2], "sensor": "landsat", "clear": True})
    segments = pd.DataFrame({"start": times[:2], "end": times[1:], "from_value": [0.6, 0.2], "to_value": [0.6, 0.2]})
    figure = plots.pixel_series(
        series,
        label="NBR",
        course=series[["time", "value"]],
        segments=segments,
        breaks=[(times[0], times[1]), (times[1], times[2])],
    )
    (axes,) = figure.axes
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["landsat", "break", "fit", "trajectory"]
    assert len(axes.patches) == 2
    assert [list(line.get_ydata()) for line in axes.lines[-2:]] == [[0.6, 0.6], [0.2, 0.2]]
