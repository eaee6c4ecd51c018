# ---
# jupyter:
#   # ruff: noqa: D100
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Where the animals live
#
# A camera that has photographed no marten has not shown that there is none. This page goes from pictures to *how likely
# is each cell used, what of its habitat matters, and how sure is that*, and at the end it plans the next survey.
#
# The animal in `sample_tiles/` is **invented**, and so we know where it lives: each autumn from 2021 to 2025 a cell of
# 300 m is used by chance, more likely with much forest, less likely where forest was lost in the last three years.

# %%
import json

import pandas as pd

import habitat as hb
from habitat import occupancy, plots
from habitat.seasons import Season
from habitat.sightings import Occasions, detection_history
from habitat.store import read_table

recipe = hb.read_recipe("../sample_tiles/recipe.toml")
stages = hb.run_recipe(recipe)
cells, events, effort = (read_table(recipe.folder / f"{name}.parquet") for name in ("cells", "sightings", "effort"))
print(f"{cells['cell'].nunique()} cells, {len(effort)} deployments of cameras, {len(events)} independent events")

# %% [markdown]
# ## The habitat before the season
#
# Each cell has a row a year, and nothing in it is of a later year: the cameras of autumn 2025 are set beside the map of
# summer 2025. Besides forest and loss there are edges, patches, ways between patches, what burnt or became grassland,
# and any layer of your own (`[cells] layers`).

# %%
columns = ["forest_share", "recent_loss", "edge_density_m_ha", "loss_distance_m", "patch_km2", "core_share"]
cells.loc[cells["year"] == 2025, columns].describe().loc[["mean", "min", "max"]].round(3)

# %% [markdown]
# ## A detection history
#
# The season is cut into occasions of ten days. In each cell and occasion the animal was seen (1), or a camera worked
# and did not see it (0), or no camera worked (NaN): *not surveyed* is not *not seen*. Occasions begin at midnight where
# the animals live: of the recipe's `timezone`, or of UTC where it names none.

# %%
autumn = Season.parse("autumn", "09-20/11-20")
zone = recipe.sightings.timezone or "UTC"


def history_of(year):
    """What cameras saw of the marten in one autumn."""
    occasions = Occasions.of(autumn, year, days=10, timezone=zone)
    return detection_history(events, effort, species="teaching marten", occasions=occasions)[0]


history_of(2025)["detected"].to_pandas().head(5)

# %% [markdown]
# ## One season
#
# Two questions at once: is a cell used (`psi`), and is its use seen on an occasion (`p`)? Formulas name covariates in
# their own units. Candidates are fitted to the same cells and ranked by AIC.

# %%
formulas = [(psi, p) for psi in ("1", "forest_share", "forest_share + recent_loss") for p in ("1", "effort")]
models = {f"psi({psi}) p({p})": occupancy.SingleSeasonOccupancy(psi, p) for psi, p in formulas}
found = occupancy.estimate_season(history_of(2025), cells[cells["year"] == 2025], models=models)
found.comparison[["model", "n_parameters", "aic", "delta", "weight"]].round(2)

# %% [markdown]
# The map of `psi` holds every cell, surveyed or not; a cell beyond the habitat that was surveyed would be hatched. The
# grey one was under cloud all summer: nothing is known of its loss, and so no probability is given, although the animal
# was there. The second map is how sure `psi` is: an interval from 0 to 1 says nothing at all.

# %%
plots.occupancy_map(found.cells, title="Probability of use, autumn 2025")

# %%
plots.doubt_map(found.cells, title="How sure that is")

# %% [markdown]
# ## Does the model fit?
#
# Histories are compared with what the model expects of them (MacKenzie and Bailey's bootstrap): `c_hat` near 1 is as it
# should be, well above 1 the limits are too narrow. And what covariates leave should not be alike in neighbours.

# %%
fit = occupancy.assess_fit(found.model, found.history, found.covariates, n_draws=100)
middle = found.cells.set_index("cell").geometry.centroid
points = pd.DataFrame({"x": middle.x, "y": middle.y})
psi = found.cells.set_index("cell")["psi"]
moran = occupancy.residual_moran(found.model.conditional_, psi, points, distance_m=450)
print(f"c-hat {fit.c_hat:.2f} (P = {fit.p_value:.2f}); Moran's I {moran.moran_i:.2f} (P = {moran.p_value:.2f})")

# %% [markdown]
# ## All seasons as one
#
# A dynamic model takes the years together: between two autumns an unused cell is colonised (`col`) and a used one left
# (`ext`). Habitat of the season *after* a step is named with `next_`: that is where a loss between the two stands.

# %%
years = range(2021, 2026)
histories = {year: history_of(year) for year in years}
history = pd.concat({year: one["detected"].to_pandas() for year, one in histories.items()}, names=["season"])
history = history.stack(future_stack=True).rename("detected").to_xarray().to_dataset()
history = history.transpose("cell", "season", "occasion").assign_attrs(species="teaching marten")
habitat = cells[cells["year"].isin(years)].rename(columns={"year": "season"})
dynamic = occupancy.DynamicOccupancy(
    "forest_share + recent_loss", "next_forest_share + next_recent_loss", "next_forest_share + next_recent_loss"
)
together = occupancy.estimate_seasons(history, habitat, models={"dynamic": dynamic})
together.estimates[["parameter", "term", "estimate", "lower", "upper", "status"]].round(2)

# %% [markdown]
# What was planted: forest 3.8 and recent loss −9 on the logit of use. This animal chooses its cells anew every autumn,
# so `col` has the same coefficients, and `ext` has them with the opposite sign.

# %%
planted = json.loads(recipe.path("truth/parameters.json").read_text())["occupancy"]
terms = together.estimates.set_index(["parameter", "term"])
for name, key in (("next_forest_share", "psi_forest_share"), ("next_recent_loss", "psi_recent_loss")):
    row = terms.loc[("col", name)]
    inside = "inside" if row["lower"] <= planted[key] <= row["upper"] else "outside"
    print(f"{name}: planted {planted[key]}, {inside} {row['lower']:.1f} to {row['upper']:.1f}")

# %% [markdown]
# ## How much of the area is used?
#
# Three figures that are often mixed up: the *naive* share of surveyed cells with a record, which grows with effort; the
# share to be expected of such cells (`model`); and the share of these very cells in this very autumn
# (`finite_sample`). Only an invented animal lets us look at the truth.

# %%
truth = pd.read_csv(recipe.path("truth/occupancy.csv")).groupby("season")["occupied"].mean()
wide = together.shares.pivot(index="season", columns="method", values="share")
limits = together.shares[together.shares["method"] == "finite_sample"].set_index("season")[["lower", "upper"]]
wide.join(limits).assign(truth=truth).round(2)

# %%
shares = wide.rename(columns={"finite_sample": "estimate"}).join(limits).reset_index()
plots.share_by_season(shares, title="share of cells used")

# %% [markdown]
# ## Use is not occupancy
#
# A marten's home is small. A tigress ranges over 400 km²; in cells of 3.6 km she uses dozens, and `psi` is the chance
# that she *uses* one. `[occupancy] home_range_km2` makes the run say so:

# %%
for words in occupancy.judge_season(season_days=62, occasion_days=10, cell_km2=13.0, home_range_km2=400.0):
    print("-", words)

# %% [markdown]
# ## The next survey
#
# How many cameras, for how many nights, to see that three cells in ten were given up? Power of a two-sided test at 5%,
# for half of the cells used at first and a record by chance of 3% a night:

# %%
plan = {
    f"{nights} nights": {
        cameras: occupancy.change_power(0.5, -0.3, occupancy.SurveyDesign(cameras, nights, p_night=0.03))
        for cameras in (50, 100, 200, 300)
    }
    for nights in (30, 60, 90)
}
pd.DataFrame(plan).rename_axis("cameras").round(2)

# %% [markdown]
# ## Where to go from here
#
# - `[occupancy] model = "dynamic"` in the recipe does the above in the run; its tables are `occupancy.parquet`,
#   `occupancy/share.csv`, `estimates.csv`, `models.csv` and `fit.csv`, its maps `occupancy/<species>.tif`.
# - `[cells] sizes_m = [600, 900]` tells the share at other sizes. Never compare years at different ones.
# - `occupancy.simulated_power` tries a survey on a landscape of your own before anyone carries a camera.
