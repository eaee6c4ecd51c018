# ---
# jupyter:
#   # ruff: noqa: D100
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # From satellite tiles to a first map of forest loss
#
# You have a folder of satellite tiles and a question: *where has forest been lost, and when?* This page answers it
# in about fifteen lines. Run it cell by cell; the first time takes about a minute, after that it is quick, because
# `habitat` does only what is out of date.
#
# The tiles in `sample_tiles/` are **simulated teaching data**: a made-up valley of 3 × 3 km, seen by Sentinel-2 and
# Landsat four times a year each from 2016 to 2025, with clouds, snow, fires and clear cuts. Since it is made up, the
# right answer is known, and at the end we look at it.

# %%
import numpy as np
import pandas as pd

import habitat as hb
from habitat import plots
from habitat.legend import DEFAULT_LEGEND
from habitat.store import read_raster

# %% [markdown]
# ## A recipe says what to do
#
# Everything a run needs stands in one small text file: the area, the years, the season that a year's map stands for,
# the scenes, the training points. Open `sample_tiles/recipe.toml` beside this page; to start on your own area,
# `habitat init` writes one with comments.

# %%
recipe = hb.read_recipe("../sample_tiles/recipe.toml")
print(recipe.area.name, recipe.period.years, recipe.period.season, sep=" · ")

# %% [markdown]
# ## One line does the work
#
# Scenes become clear composites, composites and training points become a classifier, the classifier makes a map a
# year, and the maps of all years together say where forest was lost. The run goes on to survey cells, sightings,
# occupancy and a report; `until="change"` would stop before them.

# %%
stages = hb.run_recipe(recipe)
print(" → ".join(stage.name for stage in stages))

# %% [markdown]
# ## What the satellites saw
#
# A composite is the median of a season's clear looks: a summer without most of its clouds. Where no look was clear,
# it is hatched. Reflectance is stored as whole numbers, ten thousand times itself; −32768 means *not seen*.

# %%
bands, grid = read_raster(recipe.folder / "composites/2025.tif")
reflectance = np.where(bands == -32768, np.nan, bands / 10_000)
plots.true_color(dict(zip(("blue", "green", "red"), reflectance[:3], strict=True)), grid, title="Summer 2025")

# %% [markdown]
# ## What was there in the first year
#
# Each pixel has a class. What counts as *forest* is a property of the class: evergreen, mixed and oak woods are, and
# shrub and grass are not. Hatched places were not seen, and stay without a class: nothing is guessed.

# %%
code, grid = read_raster(recipe.folder / "forest/2016.tif")
plots.forest_map(code[0], grid, DEFAULT_LEGEND, title="Land cover, 2016")

# %% [markdown]
# ## Where forest was lost, and when
#
# A place is lost in year *Y* if it was forest in the mapping season of *Y* − 1 and is not in that of *Y*.

# %%
loss_year, grid = read_raster(recipe.folder / "change/loss_year.tif")
was_forest = np.isin(code[0], DEFAULT_LEGEND.forest_codes)
plots.loss_map(loss_year[0], grid, background=was_forest, years=range(2017, 2026), title="Year of forest loss")

# %% [markdown]
# The same in hectares. These areas are **pixel counts**: what the map says. A map has errors, and how large they are
# is only known when someone checks samples on the ground or in better pictures. So the bars have no limits yet, and
# `habitat` will not invent any.

# %%
areas = pd.read_csv(recipe.folder / "areas.csv")
plots.loss_by_year(areas)

# %% [markdown]
# ## How good is it? Ask the truth
#
# Only a made-up landscape comes with its answers; no step of the run has read them. Of the pixels that really lost
# forest, how many did we find, and of those we reported, how many are real?

# %%
truth, _ = read_raster(recipe.path("truth/loss_year.tif"))
real, found = ((year > 2016) & (year < 65535) for year in (truth, loss_year))
hits = (real & found).sum()
print(f"{hits / real.sum():.0%} of the real loss was found; {hits / found.sum():.0%} of what was found is real")

# %% [markdown]
# ## Where to go from here
#
# - `habitat run sample_tiles/recipe.toml` does all of it, with cells, sightings and occupancy, and writes
#   `report.html`: one page that you can send to anyone.
# - All layers lie in `sample_tiles/run/` as GeoTIFF and GeoParquet: open them in QGIS, R or Python.
# - `habitat init my_forest` starts a recipe for your own area.
