# ---
# jupyter:
#   # ruff: noqa: D100
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Where, when, and what happened: looking at change pixel by pixel
#
# A map of loss is a list of claims: here, in that year, this kind of loss. This page looks at the evidence behind them:
# the patches, and single pixels with all their looks, what was fitted to them, and where they broke. It works on
# `sample_tiles/`, **simulated teaching data**, and needs no internet.

# %%
from datetime import date

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

import habitat as hb
from habitat import plots
from habitat.change import (
    describe_patches,
    find_breaks,
    fit_trajectories,
    fitted_course,
    kind_of_loss,
    looks_of,
    loss_breaks,
)
from habitat.change.breaks import EPOCH
from habitat.change.losses import patch_numbers
from habitat.indices import nbr
from habitat.store import read_raster, read_table

recipe = hb.read_recipe("../sample_tiles/recipe.toml")
hb.run_recipe(recipe)
change = recipe.folder / "change"

# %% [markdown]
# ## The loss layer
#
# The yearly maps and the course of each pixel's composites (its *trajectory*) have their say together; of each pixel
# there is one probability that its forest was lost, and, where that is more than one half, the likeliest year.

# %%
loss_year, grid = read_raster(change / "loss_year.tif")
probability = read_raster(change / "loss_probability.tif")[0]
forest = read_raster(recipe.folder / "forest/2016_probability.tif")[0][0]
plots.loss_map(loss_year[0], grid, background=(forest >= 50) & (forest <= 100), title="Year of forest loss")

# %%
truth = read_raster(recipe.path("truth/loss_year.tif"))[0][0]
is_lost, is_known = truth > 0, probability[0] <= 100
bins = pd.cut(probability[0][is_known], [-1, 5, 20, 50, 80, 95, 100])
said = pd.DataFrame({"said, %": probability[0][is_known], "was lost, %": 100 * is_lost[is_known]})
said.groupby(bins, observed=True).mean().round(1).assign(pixels=said.groupby(bins, observed=True).size())

# %% [markdown]
# A probability is worth something if it holds: of pixels to which 30% is given, about 30 in 100 should be lost. Only a
# made-up landscape can be asked.
#
# ## Patches, and what happened to them
#
# Lost pixels that touch and are at most a year apart are one patch. What happened to it is told from its colours beside
# unchanged forest on the same days, its season, how sudden it was and its shape. `[change] kinds = true` does this in a
# run. A kind has a probability, and "don't know" is an answer.

# %%
years = recipe.period.year_list()
scenes = hb.select_scenes(
    recipe.path("catalog.json"),
    area=hb.read_area(recipe.path("area.geojson")),
    windows=[(date(years[0], 1, 1), date(years[-1], 12, 31))],
).scenes
looks = hb.clear_looks(hb.read_stack(scenes, grid, hb.common_bands(scenes)))
numbers = patch_numbers(loss_year[0])
patches = read_table(change / "patches.parquet").set_index("patch")
stable = (loss_year[0] == 0) & (forest >= 50) & (forest <= 100) & (probability[0] < 10)
told = kind_of_loss(describe_patches(looks, numbers, patches["year"], reference=stable, pixel_m=20))
table = patches[["year", "area_ha", "probability"]].assign(kind=told["kind"], kind_probability=told["probability"])
table.head(10).round(2)

# %% [markdown]
# ## One pixel: looks, fit and break
#
# Every clear look of a pixel, of both sensors; the course fitted to them; and the break, a day between the last look
# that followed the model and the first that did not. The index is NBR, which falls when trees go.

# %%
days, values = looks_of(looks)
breaks = find_breaks(days, values)
losses = loss_breaks(breaks).join(breaks[["after_day", "by_day", "looks"]])
losses["patch"] = numbers[losses["row"], losses["column"]]
losses = losses[losses["patch"] > 0].sort_values("probability", ascending=False)
losses.groupby("patch")[["lower", "date", "upper"]].median().assign(pixels=losses.groupby("patch").size()).head()

# %%
packed = np.stack([read_raster(recipe.folder / f"composites/{year}.tif")[0] for year in years], axis=1)
yearly = np.where(packed == -32768, np.nan, packed / 10_000).astype(np.float32)
names = {"red": 2, "nir08": 3, "swir16": 4, "swir22": 5}
cube = xr.Dataset({name: (("year", "y", "x"), yearly[k]) for name, k in names.items()}, coords={"year": list(years)})
trajectories = fit_trajectories(cube)


def show(row: int, column: int, title: str) -> Figure:
    """Draw one pixel: looks, fitted course, trajectory and breaks."""
    index = nbr(values[:, 3, row, column], values[:, 5, row, column])
    series = pd.DataFrame({"time": looks["time"], "value": index, "sensor": looks["sensor"], "clear": True})
    own = breaks[(breaks["row"] == row) & (breaks["column"] == column)]
    ends = list(zip(own["after_day"], own["by_day"], strict=True))
    at = np.arange(days[0], days[-1], 10)
    course = pd.DataFrame({"time": time_of(at), "value": fitted_course(days, index, at, breaks=ends)})
    fit = trajectories.isel(y=row, x=column)
    start, end = (nbr(fit[side].sel(band="nir08"), fit[side].sel(band="swir22")).values for side in ("start", "end"))
    parts = range(int(fit["segments"]))
    segments = pd.DataFrame(
        {
            "start": [pd.Timestamp(int(fit["first_year"][k]), 7, 10) for k in parts],
            "end": [pd.Timestamp(int(fit["last_year"][k]), 8, 10) for k in parts],
            "from_value": start[: len(parts)],
            "to_value": end[: len(parts)],
        }
    )
    spans = [tuple(time_of(np.array(pair))) for pair in ends]
    return plots.pixel_series(series, label="NBR", title=title, course=course, segments=segments, breaks=spans)


def time_of(day: np.ndarray) -> np.ndarray:
    """Days since 2000 as times."""
    return EPOCH + (day * 86_400).astype("timedelta64[s]")


best = losses.iloc[0]
show(best["row"], best["column"], f"NBR of a pixel of patch {best['patch']}")

# %% [markdown]
# The line is the fitted course; the red pieces are the trajectory of the summers' composites; the band is the break:
# the loss lies between two looks.
#
# ## Forest that stayed, and a field
#
# Of a model that calls everything a loss nothing is learnt. Here is a pixel of the same forest that was not lost, and
# one of cropland, whose course changes from year to year without any forest being lost.

# %%
row, column = np.argwhere(stable & (forest >= 99) & np.isfinite(values).all(axis=1).any(axis=0))[1000]
show(row, column, "NBR of forest that stayed")

# %%
crop = read_raster(recipe.folder / "forest/2020.tif")[0][0] == 30
row, column = np.argwhere(crop)[len(np.argwhere(crop)) // 2]
show(row, column, "NBR of cropland")

# %% [markdown]
# ## A loss that has no break
#
# Breaks need looks: at least twelve for a model, and enough after the loss to outweigh chance. With eight dates a year
# of which half are clear, many losses of the sample are told by the maps and the trajectories alone. With the looks of
# an archive, a few dozen a year, most are dated to within a month (`benchmarks/results/`).

# %%
unbroken = np.setdiff1d(patches.index[patches["area_ha"] > 1], losses["patch"])[:1]
if len(unbroken):
    row, column = np.argwhere(numbers == unbroken[0])[numbers[numbers == unbroken[0]].size // 2]
    picture = show(row, column, f"NBR of a pixel of patch {unbroken[0]}, lost {patches['year'][unbroken[0]]}")
picture if len(unbroken) else "every large patch has a break"

# %% [markdown]
# ## Where to go from here
#
# - `[change] evidence = ["maps", "trajectories", "breaks"]` looks for breaks over the whole area, and writes
#   `change/loss_date.tif` and `change/breaks.parquet`.
# - `habitat watch RECIPE` runs the same models forwards: each new scene is taken in, and alerts are raised.
# - `benchmarks/results/` says how well all of this does, shortfalls included.
