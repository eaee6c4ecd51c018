# ---
# jupyter:
#   # ruff: noqa: D100
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Forest maps worth trusting: how good, where not, and how large with limits
#
# A map is a claim about every pixel. This page asks what stands behind it: how good the classifier is on land that it
# has not seen, how far its probabilities hold, where it should not be believed, what the years say together, and how
# large forest and its loss really are. It works on `sample_tiles/`, **simulated teaching data**, and needs no internet.

# %%
import json

import numpy as np
import pandas as pd

import habitat as hb
from habitat import plots
from habitat.assess import ReferenceSample, Scheme, allocate, draw_sample, stratify
from habitat.change import cover_dynamics, smooth_cover
from habitat.grids import blocks
from habitat.legend import DEFAULT_LEGEND
from habitat.store import read_raster

recipe = hb.read_recipe("../sample_tiles/recipe.toml")
hb.run_recipe(recipe)
years = recipe.period.year_list()
names = {cover.code: cover.name for cover in DEFAULT_LEGEND}

# %% [markdown]
# ## The figure to look at first
#
# Labels that lie near one another resemble each other, so a classifier that is tested beside its own training points
# looks better than it is. Here whole blocks of land were left out in turn, and each was judged by a model that had
# seen none of it. The limits come from drawing whole blocks again and again.

# %%
judged = json.loads((recipe.folder / "forest/validation.json").read_text())
for figure, said in (("balanced_accuracy", "forest or not"), ("macro_f1", "all classes, mean F1")):
    low, high = judged[f"{figure}_low"], judged[f"{figure}_high"]
    print(f"{said}: {judged[figure]:.2f} ({low:.2f} to {high:.2f}), {judged['n_labels']} labels")
f1 = pd.Series({names[int(code)]: value for code, value in judged["class_f1"].items()}, name="F1 on unseen blocks")
f1.to_frame()

# %% [markdown]
# Forest is told well from the rest, and its kinds less well: some four dates a year and a few dozen points a class do
# not carry more. `forest/model.md`, the model's card, says all of this for whoever gets the model from you.
#
# ## Do probabilities mean what they say?
#
# Of the places that the classifier calls forest with 80%, about 80 in 100 should be forest. Those figures, too, are
# from land that was left out.

# %%
bins = pd.DataFrame(judged["calibration"]["forest"])
print(f"mean difference: {judged['calibration']['expected_calibration_error_forest']:.3f}")
bins.round(2)

# %% [markdown]
# ## Where the model does not apply
#
# A classifier answers everywhere, also where the ground is like nothing that it was taught. The *area of applicability*
# (Meyer and Pebesma 2021) measures how unlike the training samples a pixel is, in units in which the left-out blocks
# themselves reach 100. It finds ground of another sort; a kind of forest that looks much like one that was taught
# it does not find.

# %%
unlike, grid = read_raster(recipe.folder / f"forest/{years[-1]}_applicability.tif")
seen = unlike[0] != 255
print(f"{(unlike[0][seen] > 100).mean():.1%} of {years[-1]} lie outside")
importance = pd.read_csv(recipe.folder / "forest/importance.csv")
importance.sort_values("importance", ascending=False).head(6)

# %% [markdown]
# ## What the years say together
#
# A year's classification errs on its own. A chain over all classes weighs it against how land changes: forest is felled
# seldom, crowns close over decades, grass that burnt in spring is green a year later, water grows no trees. One year of
# oak that looks like birch stays oak; three years of grass after oak are a clear cut.

# %%
codes = (14, 15, 22)
oak, birch, grass = [0.8, 0.15, 0.05], [0.3, 0.6, 0.1], [0.05, 0.05, 0.9]
series = np.array([[oak, oak, birch, oak, oak], [oak, oak, grass, grass, grass]])  # pixel, year, class
together = smooth_cover(np.moveaxis(series, 0, -1), cover_dynamics(codes, DEFAULT_LEGEND))
for pixel in range(2):
    said = [names[codes[k]].split()[0] for k in together.posterior[:, :, pixel].argmax(axis=1)]
    print(" ".join(said), "· lost by then:", together.lost[:, pixel].round(2))

# %%
code, grid = read_raster(recipe.folder / f"forest/{years[-1]}.tif")
plots.forest_map(code[0], grid, DEFAULT_LEGEND, title=f"Land cover given all years, {years[-1]}")

# %% [markdown]
# ## How large is it? Ask places, not the map
#
# Counting pixels adds up the map's errors. An honest area comes from a sample: places drawn by chance within strata of
# the map, each looked at by a person who does not know what the map says. `habitat assess RECIPE` draws them and writes
# a page for interpreters that works without internet. Here the truth of the made-up landscape plays the interpreter.

# %%
loss, grid = read_raster(recipe.folder / "change/loss_year.tif")
forest, other = DEFAULT_LEGEND.forest_codes, tuple(set(names) - set(DEFAULT_LEGEND.forest_codes))
scheme = Scheme(periods=((years[1], years[-1]),), classes=(("stable forest", forest), ("never forest", other)))
strata = stratify(loss[0], code[0], np.ones(grid.shape, dtype=bool), scheme)
pixels = np.bincount(strata.ravel(), minlength=4)[1:]
n = allocate(300, pixels, accuracies=[0.7, 0.95, 0.95], least=75)
places = draw_sample(((block, strata[block.rows, block.cols]) for block in blocks(grid, 256)), grid, n, seed=1)
truth, _ = read_raster(recipe.path("truth/loss_year.tif"))
is_lost = (truth[0] > years[0]).astype(int)
sample = ReferenceSample(
    stratum=places["stratum"].to_numpy(),
    mapped=(places["stratum"] == 0).to_numpy().astype(int),
    reference=is_lost[places["row"], places["col"]],
    stratum_pixels=pixels,
    mapped_pixels={1: pixels * [1, 0, 0], 0: pixels * [0, 1, 1]},
)
hectares = pixels.sum() * 0.04
found = sample.area_share(1)
print(f"lost, pixel count: {pixels[0] * 0.04:.0f} ha")
print(f"lost, from {len(places)} places: {found.value * hectares:.0f} ha", end=" ")
print(f"({found.lower * hectares:.0f} to {found.upper * hectares:.0f})")
print(f"lost, in truth: {is_lost[strata > 0].sum() * 0.04:.0f} ha")

# %% [markdown]
# The limits are 95% limits that hold for rare classes too: for a loss of one per cent the usual ones (Wald's) hold the
# truth in 60 of 100 samples, these in 96 (`benchmarks/results/areas.md`).

# %%
rows = {
    "overall": sample.overall_accuracy(),
    "user's, loss": sample.users_accuracy(1),
    "producer's, loss": sample.producers_accuracy(1),
}
pd.DataFrame(
    {what: [e.value, e.lower, e.upper, e.wald_lower, e.wald_upper] for what, e in rows.items()},
    index=["estimate", "lower", "upper", "Wald lower", "Wald upper"],
).T.round(3)

# %% [markdown]
# ## Where to go from here
#
# - `[assess]` in a recipe and `habitat assess` do this for your area, loss by year included.
# - `[forest] training_map` trains from ESA WorldCover, Global Forest Change or a map of tree cover.
# - `benchmarks/results/` says how the classifier, its probabilities and the limits were judged, shortfalls included.
