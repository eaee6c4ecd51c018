# ---
# jupyter:
#   # ruff: noqa: D100
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Tiles: what there is, what was chosen and why, and what one pixel saw
#
# Before any map stands a question that most tools answer silently: *which scenes, and are their numbers right?*
# This page asks it aloud. It works on `sample_tiles/`, **simulated teaching data**, and needs no internet; with a
# catalogue on the web only the first line changes.

# %%
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import habitat as hb
from habitat import plots
from habitat.imagery import (
    NOT_CLEAR,
    clear_looks,
    estimate_shifts,
    fit_illumination,
    level_reflectance,
    screen_looks,
    seasonal_medoid,
    significant_shifts,
    slope_and_aspect,
    slope_samples,
    to_common_bands,
)
from habitat.imagery.brdf import kernels
from habitat.seasons import Season
from habitat.sensors.anisotropy import WEIGHTS
from habitat.tiles import read_heights

# %% [markdown]
# ## What is in a catalogue
#
# A source is a STAC file, a folder of downloaded `.SAFE` and Landsat products, the name of a catalogue on the web
# (`"earth-search"`, `"planetary-computer"`, `"copernicus"`, `"usgs"`, `"nasa-hls"`) or the address of any other
# STAC API. We ask for the summers of three years over a small square.

# %%
square = shapely.box(130.807, 43.107, 130.813, 43.113)
summers = [(pd.Timestamp(f"{year}-06-01").date(), pd.Timestamp(f"{year}-09-15").date()) for year in (2020, 2021, 2022)]
chosen = hb.select_scenes("../sample_tiles/catalog.json", area=square, windows=summers, max_cloud_percent=60)

pd.DataFrame(
    {
        "sensor": scene.sensor.name,
        "platform": scene.platform,
        "date": scene.day,
        "cloud, %": scene.cloud_percent,
        "files": len(scene.assets),
    }
    for scene in chosen.scenes
)

# %% [markdown]
# ## What was left out, and why
#
# Every scene that is not used has its reason. `habitat check RECIPE --scenes` lists the same in the terminal.

# %%
pd.Series(chosen.reasons, name="scenes").to_frame()

# %% [markdown]
# ## Are the numbers right?
#
# Since 2022 the files of Sentinel-2 hold 1000 more than before. Some catalogues take that off and some do not, and
# what they say of it is not always true: a mistake lifts every reflectance by 0.1. So the pixels are asked, scene by
# scene, and the item's word is only one of the witnesses.

# %%
grid = hb.run_grid(chosen.scenes, square)
settled = hb.settle_offsets(chosen.scenes, grid)
pd.set_option("display.max_colwidth", None)
pd.DataFrame(
    {"scene": name, "offset": finding.offset, "evidence": finding.evidence}
    for name, finding in settled.findings.items()
)

# %% [markdown]
# All four agree with their items. Now let an item lie: the same scene of 2022, with a flag that says its numbers still
# hold the 1000.

# %%
honest = next(scene for scene in chosen.scenes if scene.id in settled.findings and scene.day.year == 2022)
lying = replace(
    honest,
    claims=replace(honest.claims, removed=False),
    bands={band: replace(asset, offset=-0.1) for band, asset in honest.bands.items()},
)
found = hb.settle_offsets([lying], grid).findings[lying.id]
print(f"the item amounts to {found.declared}, the pixels to {found.offset}: {found.evidence}")

# %% [markdown]
# ## What one pixel saw
#
# A stack holds every look: reflectance by band, and what the product's own quality band says of it. Here is one pixel
# of the valley over ten years, all seasons. Summers are high and winters low; one year, the summers stay low.

# %%
always = [(pd.Timestamp("2016-01-01").date(), pd.Timestamp("2025-12-31").date())]
scenes = hb.select_scenes("../sample_tiles/catalog.json", area=square, windows=always).scenes
stack = hb.read_stack(hb.settle_offsets(scenes, grid).scenes, grid, ("blue", "red", "nir08", "swir16"))

(place,) = gpd.GeoSeries([shapely.Point(130.81001, 43.10991)], crs="EPSG:4326").to_crs(str(grid.crs))
pixel = stack.sel(x=place.x, y=place.y, method="nearest")
ndvi = (pixel["nir08"] - pixel["red"]) / (pixel["nir08"] + pixel["red"])
series = pd.DataFrame(
    {
        "time": pixel["time"].values,
        "value": ndvi.values,
        "sensor": pixel["sensor"].values,
        "clear": (pixel["quality"].values & NOT_CLEAR) == 0,
    }
)
plots.pixel_series(series, label="NDVI of one pixel, summers of forest and what came after")

# %% [markdown]
# Outlines are looks that cloud, shadow or snow spoilt. They are kept, so that you can judge the judge, and a composite
# uses none of them.
#
# ## What the product's mask missed
#
# No product finds every cloud. `screen_looks` asks each pixel's own years: haze, clouds and snow are brighter in the
# blue than that pixel is otherwise at that time of the year, shadows darker in both infrareds, and what lasts is no
# cloud but a change. A recipe asks for it with `mask = "history"`. Filled now is what is kept.

# %%
screened = screen_looks(stack).sel(x=place.x, y=place.y, method="nearest")
spoilt = (screened["quality"].values & NOT_CLEAR) > 0
before = series["clear"].to_numpy()
pd.Series(
    {
        "looks": len(before),
        "clear, says the product": before.sum(),
        "of them spoilt after all": (before & spoilt).sum(),
        "dropped by the product and given back": (~before & ~spoilt).sum(),
    },
    name="one pixel",
).to_frame()

# %%
low = series.assign(value=pixel["blue"].values, clear=~spoilt)
plots.pixel_series(low[low["value"] < 0.25], label="its blue reflectance, up to 0.25")

# %% [markdown]
# ## Two sensors, one ruler
#
# Sentinel-2's bands lie a little beside Landsat's. Published lines take them there (`bands = "common"` in a recipe);
# over green forest that is a few thousandths, as much as a weak disturbance shows.

# %%
common = to_common_bands(stack).sel(x=place.x, y=place.y, method="nearest")
own = pixel["sensor"].values == "sentinel-2"
pd.DataFrame(
    {
        band: {
            "as the product says": float(pixel[band].values[own & ~spoilt].mean()),
            "in Landsat's band": float(common[band].values[own & ~spoilt].mean()),
        }
        for band in ("blue", "red", "nir08", "swir16")
    }
).round(4)

# %% [markdown]
# ## Slopes, as if flat
#
# In autumn the sun stands low, and slopes that face it are brighter than slopes that turn away, whatever grows there.
# With heights that can be undone (`relief = "level"`): how much of the light comes straight from the sun is learnt from
# green slopes under several suns. `"shade"` leaves out what lies in the shadow of a hill.

# %%
heights = read_heights([Path("../sample_tiles/dem.tif")], grid)
samples = slope_samples(stack, heights)
light = fit_illumination([samples])
level = level_reflectance(stack, heights, light).sel(x=place.x, y=place.y, method="nearest")

steep, facing = slope_and_aspect(heights, resolution_m=grid.transform.a)
row, col = (int(abs(stack[axis].values - at).argmin()) for axis, at in (("y", place.y), ("x", place.x)))
print(
    f"the pixel lies on a slope of {steep[row, col]:.0f} degrees that faces {facing[row, col]:.0f} degrees from north"
)
month = pixel["time"].dt.month.values
pd.DataFrame(
    {
        name: {
            "as lit": float(pixel["nir08"].values[chosen & ~spoilt].mean()),
            "as if flat": float(level["nir08"].values[chosen & ~spoilt].mean()),
        }
        for name, chosen in {"June to August": (month > 5) & (month < 9), "October": month == 10}.items()
    }
).round(3)

# %% [markdown]
# ## Seen from above
#
# A forest seen with the sun behind the sensor is brighter than seen against it. `view = "nadir"` takes that out by a
# model of all land (`habitat.imagery.nadir_reflectance`), for scenes whose angles are known. The scenes of this page
# were simulated as seen from straight above, so there is nothing to take out; this is by how much it would be, in the
# near infrared, under a sun 40 degrees from the zenith:

# %%
weights = WEIGHTS["nir08"]
sun, view = np.full(5, 40.0), np.array([10.0, 5.0, 0.0, 5.0, 10.0])
behind = np.array([0.0, 0.0, 0.0, 180.0, 180.0])
seen_from = [
    sum(w * k for w, k in zip(weights, (1, *map(float, each)), strict=True))
    for each in zip(*kernels(sun, view, behind), strict=True)
]
pd.Series(
    [value / seen_from[2] for value in seen_from],
    index=["10 degrees, sun behind", "5 degrees", "from above", "5 degrees", "10 degrees, against the sun"],
    name="brighter by the factor",
).round(3).to_frame()

# %% [markdown]
# ## In its place
#
# Scenes lie a few metres beside where they say. The edges of what they show tell, if there are enough of them: here of
# the whole sample. `align = true` moves back what lies more than a third of a pixel off.

# %%
valley = hb.run_grid(scenes, hb.read_area(Path("../sample_tiles/area.geojson")))
shifts = estimate_shifts(hb.read_stack(scenes, valley, ("red", "nir08", "swir16")))
moved = significant_shifts(shifts, resolution_m=grid.transform.a)
pd.Series(
    {
        "looks": len(shifts),
        "whose place can be told": int((shifts["pixels"] > 0).sum()),
        "moved": int(np.hypot(moved["east_m"], moved["north_m"]).gt(0).sum()),
        "median distance from their place, m": round(float(np.hypot(shifts["east_m"], shifts["north_m"]).median()), 1),
    },
    name="the whole sample",
).to_frame()

# %% [markdown]
# ## From looks to a picture
#
# A season's picture is each band's median, or all bands of the one look that is nearest to it (`composite = "medoid"`).
# Whose looks it is made of is kept.

# %%
clear = clear_looks(screen_looks(stack), margin_m=0)
summer = Season.parse("mapping", "06-01/09-15")
pictures = {
    name: make(clear, years=[2020], seasons=[summer]).sel(x=place.x, y=place.y, method="nearest").squeeze()
    for name, make in (("median", hb.seasonal_median), ("medoid", seasonal_medoid))
}
pd.DataFrame(
    {
        name: {band: float(made[band]) for band in ("blue", "red", "nir08", "swir16")}
        | {f"looks of {sensor}": int(made["sensor_looks"].sel(sensor=sensor)) for sensor in made["sensor"].values}
        for name, made in pictures.items()
    }
).round(4)

# %% [markdown]
# ## Where to go from here
#
# - `habitat index FOLDER` makes a catalogue of `.SAFE` and Landsat products as they are downloaded, archives included.
# - `habitat fetch RECIPE` brings the area's window of each scene from the web, and goes on after an interruption.
# - `03` and later pages build on these scenes; `01_first_map` went straight through.
