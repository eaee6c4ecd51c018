"""The words in a sample's folder: its recipe and its README."""

from __future__ import annotations

from habitat.simulate.animals import MARTEN, SEASONS
from habitat.simulate.area import CELL_M, CRS, Area
from habitat.simulate.classes import LARCH
from habitat.simulate.presets import PRESETS, STANDARD, Preset

_RECIPE = """\
# The sample landscape: SIMULATED teaching data, see README.md.
# Paths are relative to the folder of this file. Run it with: habitat run recipe.toml

[area]
name = "Sample landscape (simulated)"
region = "area.geojson"        # any polygon file
crs = "{crs}"             # the area's UTM zone
resolution_m = 20              # side of the maps' pixels

[period]
years = "{first}-{last}"
season = "06-01/09-15"         # the mapping season: leaves are out, crops are green

[period.seasons]               # what tells oak from grass and evergreens from both
leaf_off = "03-15/04-30"
autumn = "09-16/10-31"

[scenes]
source = "catalog.json"        # a STAC catalogue of Sentinel-2 and Landsat scenes

[forest]
training = "training.gpkg"     # points with a class `code` and the `date` they are true for

[change]
min_patch_ha = 0.5             # smaller losses are not reported

[cells]
size_m = {cell}                   # survey cells; 300 m suits a small invented animal, not a tiger

[sightings]
files = ["sightings.csv", "patrol_sightings.gpkg"]
effort = "effort.csv"          # when and where each camera worked
species = ["{marten}"]
independent_minutes = 30       # pictures closer together than this are one event

[occupancy]
season = "09-20/11-20"         # after the mapping season, so each year's own map is known
occasion_days = 10
psi = "forest_share + recent_loss"
p = "effort"
min_cells = 30

[output]
folder = "run"
"""

_README = """\
# Sample landscape: SIMULATED teaching data

Nothing here was observed. The landscape, its scenes, its cuts and fires, and its animal were made by a computer
program from the seed {seed}, to learn and to test with. No satellite took these scenes, and no conclusion about any
real place or species may be drawn from them.

- **Where it pretends to be**: a square of {size:g} x {size:g} km near 43.1 N, 130.8 E ({crs}), in relief,
  with the classes, seasons, snow and clouds of the border forest of China and Russia.
- **The animal** is invented. The "{marten}" is a small forest carnivore that exists only here; hence survey
  cells of {cell} m, far too small for any large cat. "teaching hare" is by-catch on the same cameras.
{kind}\
- **Made by** `habitat sample DIR --size-km {size:g} --seed {seed}{option}`; the same command writes the same bytes.

## What is here

- `recipe.toml`: what `habitat run recipe.toml` is to do. `area.geojson`: the square.
- `dem.tif`: heights in metres, to mask the hills' shadows or to level their light (`[scenes] relief`).
- `catalog.json`, `scenes/`: Sentinel-2 and Landsat scenes of {first}-{last}, {dates}, as GeoTIFFs and
  STAC items laid out as Earth Search lays out real ones.
- `training.gpkg`: points with class `code` and `date`, as a person might interpret them: about 2% are wrong.
- `effort.csv`, `sightings.csv`: cameras in {first_camera}-{last}, 20 September to 20 November: when each worked, and
  each picture.
- `patrol_sightings.gpkg`: signs that patrols came across, with no effort behind them.
- `truth/`: the answers; no stage reads them.

## The answers

Rasters lie on the 20 m grid of the run.

- `forest_<year>.tif`: 0 non-forest, 1 forest, that is crown cover of at least 30% on 15 September; 255 would be
  unknown.
- `cover_<year>.tif`: class codes of the default legend.
{planted}\
- `loss_year.tif`: the first year Y with forest in the season of Y - 1 and none in that of Y; 0 = none. Cuts and
  fires happen outside the season of June to mid-September.
- `occupancy.csv`: for every cell (named by column and row from the south-west, with its corner in metres) and season
  the chance `psi` that it is occupied, and whether it is.
- `parameters.json`: the planted coefficients.

## What is simple about it

Spectra are stylised curves, seen through each sensor's own bands; phenology follows published dates of the region.
Relief, snow, clouds with their shadows away from the sun, haze, blur and noise are added, and the quality layers miss
some clouds and call some dark slopes shadow. Real scenes hold more: smoke, floods, droughts, broken detectors, slanted
views. A method that fails here will fail outside; one that passes here has proved little.

Licence: that of this repository (Apache-2.0).
"""

_PLANTED = """\
- `plantation_age.tif`: years since trees were planted there, in the first year; 0 = not planted. Planted larch is code
  12, planted pine 11.
"""

_DAMAGE = """
## Damage

This preset is for detectors of change: `truth/damage.csv` has a row for every pixel of 20 m (row and col from the
north-west) and event that touched it: kind, first and last day of the damage, and the share of the pixel's crown cover
that it takes in the end. Cuts, storms, floods and building happen inside the mapping season too. Droughts, late
springs and lean years are no damage, and are not listed. Landsat looks for three years before the others.
"""


def _dates(preset: Preset) -> str:
    return "all clear enough from March to November" if preset.dense else f"{preset.looks_a_year} a year"


def recipe_text(years: range) -> str:
    """Return recipe.toml."""
    return _RECIPE.format(crs=CRS, first=years[0], last=years[-1], cell=CELL_M, marten=MARTEN)


def readme_text(area: Area, seed: int, years: range, preset: Preset) -> str:
    """Return README.md."""
    text = _README.format(
        crs=CRS,
        seed=seed,
        option=_options(preset),
        kind="" if preset.name == STANDARD.name else f"- **Preset** `{preset.name}`: {preset.summary}.\n",
        planted=_PLANTED if LARCH in preset.codes else "",
        dates="four dates a year each" if preset.name == STANDARD.name else _dates(preset),
        size=area.size_m / 1000,
        first=years[0],
        last=years[-1],
        first_camera=years[-SEASONS:][0],
        cell=CELL_M,
        marten=MARTEN,
    )
    return text + _DAMAGE if preset.dense else text


def _options(preset: Preset) -> str:
    """What `habitat sample` must be told to make such a landscape again; nothing for the teaching sample."""
    told = "" if preset.name == STANDARD.name else f" --preset {preset.name}"
    usual = PRESETS.get(preset.name, preset).looks_a_year
    return told if preset.looks_a_year == usual else f"{told} --looks {preset.looks_a_year}"
