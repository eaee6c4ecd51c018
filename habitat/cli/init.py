"""`habitat init [DIR]`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from habitat.errors import StoreError

RECIPE = """\
# A recipe: what to map, from which scenes, and whose habitat it is. Paths are relative to this file.
# `habitat check recipe.toml` says what it means; `habitat run recipe.toml` runs it.
# A section that is left out is a stage that is not run.

[area]
name = {name}
bbox = [130.6, 42.7, 131.2, 43.2]     # west, south, east, north in degrees; or:
# region = "area.geojson"             # any file of polygons
# crs = "EPSG:32652"                  # default: that of the scenes, so that nothing is warped
# resolution_m = 20                   # default: 20 with any Sentinel-2, else 30

[period]
years = "2016-2025"
season = "06-01/09-15"                # the mapping season: the one that a year's map stands for

[period.seasons]                      # more seasons that help to tell classes apart; may be left out
leaf_off = "03-15/04-30"
autumn = "09-16/10-31"

[scenes]
source = "catalog.json"               # a STAC file; a folder of downloaded .SAFE and Landsat products; a catalogue
                                      # on the web: "earth-search", "planetary-computer", "copernicus", "usgs",
                                      # "nasa-hls"; or the address of any STAC API
# collections = ["sentinel-2-l2a"]    # default: those of the source that can be read
max_cloud_percent = 90                # scenes that state more cloud are left out
mask = "product"                      # "product": the quality band says what is clear; "none": everything is;
                                      # "history": clouds, haze and shadows that it missed go too, by each pixel's
                                      # years; "spectral": each look by its own colours, where there is no such band
reject = ["cloud", "shadow", "cirrus", "snow", "saturated"]   # what spoils a look; "water" could as well
margin_m = 40                         # around clouds and shadows
bands = "own"                         # "own": as each product says; "common": as Landsat 8's instrument would see it
view = "own"                          # "nadir": as if every look had been seen from straight above; "learned": that,
                                      # by how much the area's own looks from two sides differ
relief = "own"                        # "shade": shadows of hills are no clear looks; "level": slopes as if flat, too
# dem = "dem.tif"                     # heights for it, a file or a folder; default: the fetched layer "dem"
align = false                         # true: looks more than a third of a pixel beside the others are moved back
sharpness = "own"                     # "common": all looks and bands as sharp as the coarsest; edges agree, gaps blur
composite = "median"                  # "median": band by band; "medoid": all bands of the look that is nearest to it
# folder = "scenes"                   # where scenes from the web are kept
# on_missing = "error"                # what cannot be had after all stops the run; "report": it goes on and says so
# layers = ["dem", "worldcover"]      # maps that do not change, fetched beside the scenes, where the source has them

[forest]
training = "training.gpkg"            # points or polygons with a column `code` (and perhaps `date`), or a raster
# training_map = "worldcover"         # of a raster or a folder of tiles that others made: "gfc", "tree_cover"
# training_codes = {{ 10 = 11, 20 = 0 }}  # what its values are in the legend, where not as stated; 0 = no label
# training_cover_percent = [20, 50]   # tree cover: not forest up to the first, forest from the second on
# training_edge_m = 0                 # how far from the next class there is no label
# training_year = 2020                # when labels without a date were true; default: found from the scenes
# clean_labels = false                # true: labels that what was seen contradicts are left out
# features = ["bands", "indices", "harmonics"]   # what it is shown; "terrain", "texture" and "looks" as well
# legend = "legend.toml"              # [[class]] code, name, color, forest; default: the border forest's classes

[change]
min_patch_ha = 0.5                    # smaller patches of loss are left out
evidence = ["maps", "trajectories"]   # what tells loss; "breaks" as well: in all looks of all months, which are
                                      # fetched and read for it, to the day between two looks; twelve a year or more
kinds = false                         # true: what happened to each patch, from the looks around it
burns = false                         # true: burnt ground by day and severity, in all looks of all months; see "breaks"

# [assess]                            # places that people look at: areas and accuracies with limits
# classes = "forest"                  # what they tell apart: "forest" and the rest, or all classes of the "legend"
# target_se = 0.01                    # standard error that overall accuracy is to have; it says how many places
# samples = 500                       # so many instead
# least = 50                          # in every stratum: each year or period of loss, forest, not forest
# allocation = "proportional"         # how the others are shared: or "equal", or "optimal"
# expected_loss = 0.7                 # how much of the mapped loss is expected to be right
# expected_stable = 0.95              # and of the rest
# near_loss_m = 0                     # a belt around mapped loss as a stratum of its own
# chip_m = 600                        # side of the pictures
# seed = 1
# answers = "answers.csv"             # the filled-in sheet; `habitat assess` writes an empty one

# [cells]
# size_m = 4000                       # squares; or: file = "cells.gpkg"
# sizes_m = [8000, 16000]             # more sizes at which the share of cells is told
# layers = {{ roads = "roads.gpkg", cattle = "cattle.tif" }}   # of your own: distance and density, or the mean
# edge_m = 100                        # forest further from its edge is core
# large_patch_km2 = 500               # corridors are looked for between patches of forest of this size

# [sightings]
# files = ["sightings.csv"]           # species, time with zone, latitude, longitude; effort_id for camera records;
#                                     # or a Camtrap DP folder or zip, camtrapR tables, SMART exports, GPX
# effort = "effort.csv"               # effort_id, latitude, longitude, start, end; or tracks of patrols
# species = ["Panthera tigris"]
# format = "auto"                     # told from the files; or: table, camtrap_dp, camtrapr, smart, gpx
# timezone = "Asia/Vladivostok"       # of times that carry no zone of their own
# dates = "auto"                      # 03/05/2021 as the file's other dates show; or: day_first, month_first
# crs = "EPSG:32652"                  # of coordinates that are not degrees
# certain_probability = 0.95          # from which a machine's identification is certain
# independent_minutes = 30
# columns = {{ time = "timestamp" }}    # our name = theirs

# [occupancy]
# season = "09-20/11-20"              # when animals are counted: after the mapping season of the same year
# occasion_days = 10
# model = "single"                    # each season alone; "dynamic": cells are colonised and left between them;
                                      # "abundance": detection grows with the number of animals
# psi = "forest_share + recent_loss"  # what presence depends on: columns of cells.parquet; a list: the best by AIC
# p = "effort"                        # what detection depends on
# colonisation = "1"                  # of a dynamic model: "forest_share" is that of the season before a step,
# extinction = "1"                    # "next_loss_share" that of the season after it
# uncertain = "model"                 # records that are not `certain`: "model" false ones, "count" or "drop" them
# fp = "1"                            # what false records depend on
# b = "1"                             # what a true record's being certain depends on
# covariates = ["snow.csv"]           # columns cell, season, occasion (any of them), and what formulas name
# fit_draws = 100                     # simulated data sets behind the test of fit; 0 = no test
# home_range_km2 = 400                # of one animal: says whether cells measure use or occupancy
# min_cells = 30                      # with fewer surveyed cells no model is fitted

[output]
folder = "run"
"""


@click.command("init")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path(), required=False)
def command(folder: Path) -> None:
    """Write a commented recipe.toml to start from."""
    from habitat.store import write_text

    path = folder / "recipe.toml"
    if path.exists():
        raise StoreError("is already there", where=path, mend="delete it, or choose another folder")
    name = json.dumps(folder.resolve().name or "my area", ensure_ascii=False)  # escapes as TOML does
    write_text(path, RECIPE.format(name=name))
    click.echo(path)
