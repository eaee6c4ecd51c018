"""Detection histories of a run, with all that formulas may name: habitat, effort, tables of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from habitat.errors import RecipeError
from habitat.recipe import OccupancySection
from habitat.seasons import Season
from habitat.sightings import Occasions, detection_history, habitat_year, midnights
from habitat.store import read_table
from habitat.workflow.context import Context

_KEYS = ("cell", "season", "occasion")


@dataclass
class Histories:
    """What was seen of each species in each season, over cells of one size."""

    context: Context
    settings: OccupancySection
    habitat: Any
    """CELLS of that size."""
    events: Any
    effort: Any
    """EFFORT with the cells of that size."""

    def season_of(self, species: str, year: int) -> tuple[xr.Dataset, Any] | None:
        """Return one season's history and the habitat before it, a row a cell; None without a map or effort."""
        occasions = Occasions.of(self.season, year, days=self.settings.occasion_days, timezone=self.timezone)
        habitat = self.habitat_before(year)
        history, set_aside = detection_history(self._counted(), self.effort, species=species, occasions=occasions)
        if habitat is None or not history.sizes["cell"]:
            return None
        for reason, n in set_aside["reason"].value_counts().items():
            self._warn(f"{species} {year}: {n} events do not count as detections ({reason})")
        middle = (occasions.edges[:-1] + (occasions.edges[1:] - occasions.edges[:-1]) / 2) - occasions.edges[0]
        days = np.broadcast_to(middle / pd.Timedelta(days=1), history["detected"].shape)
        history["day"] = (("cell", "occasion"), days.copy())
        if not self._has_doubt(species):
            history = history.drop_vars("certain", errors="ignore")
        history = self._with_tables(history, year)
        return history, self._cells_with_tables(habitat, year)

    def seasons_of(self, species: str) -> tuple[xr.Dataset, Any] | None:
        """Return the history over all seasons from the first to the last that was surveyed, a year apart.

        Also the habitat before each, one row a cell and season. A season without any survey is there, without records:
        steps are years. None if fewer than two seasons have a map before them.
        """
        parts: dict[int, xr.Dataset] = {}
        tables = []
        surveyed = [year for year in self.years if self.habitat_before(year) is not None]
        if len(surveyed) < 2:
            return None
        for year in range(surveyed[0], surveyed[-1] + 1):
            found = self.season_of(species, year) if year in surveyed else None
            habitat = found[1] if found else self._cells_with_tables(self.habitat_before(year), year)
            tables.append(habitat.drop(columns="year").assign(season=year, trend=float(year - surveyed[0])))
            if found:
                parts[year] = found[0].drop_vars(["start", "occasion"])
        if not parts:
            return None
        years = pd.Index(range(surveyed[0], surveyed[-1] + 1), name="season")
        joined = xr.concat(
            [part.assign_coords(occasion=np.arange(part.sizes["occasion"])) for part in parts.values()],
            dim=pd.Index(list(parts), name="season"),
            join="outer",
            combine_attrs="override",
        )
        history = joined.reindex(season=years).transpose("cell", "season", "occasion", ...)
        history.attrs = {"species": species}
        return history, pd.concat(tables, ignore_index=True)

    @cached_property
    def season(self) -> Season:
        """When animals are counted."""
        return Season.parse("occupancy", self.settings.season)

    @property
    def timezone(self) -> str:
        """Whose midnights cut seasons and occasions."""
        section = self.context.recipe.sightings
        return (section.timezone if section else None) or "UTC"

    @cached_property
    def years(self) -> list[int]:
        """Years whose season saw any camera at work."""
        first, last = (t.tz_convert(self.timezone) for t in (self.effort["start"].min(), self.effort["end"].max()))
        worked = []
        for year in range(first.year, last.year + 2):
            start, stop = self.season.window(year)
            begin, end = midnights([start, stop + timedelta(days=1)], self.timezone)
            if ((self.effort["start"] < end) & (self.effort["end"] > begin)).any():
                worked.append(year)
        return worked

    def map_before(self, year: int) -> int | None:
        """The year whose map is the latest before the season of `year`."""
        begin = pd.Series(midnights([self.season.window(year)[0]], self.timezone))
        mapped = habitat_year(begin, self.context.seasons[0], self.context.years, timezone=self.timezone).iloc[0]
        return None if pd.isna(mapped) else int(mapped)

    def habitat_before(self, year: int) -> Any:
        """The habitat of cells in the latest map before the season of `year`; None if there is none."""
        mapped = self.map_before(year)
        return None if mapped is None else self.habitat[self.habitat["year"] == mapped].reset_index(drop=True)

    def _counted(self) -> Any:
        if self.settings.uncertain != "drop" or "certain" not in self.events:
            return self.events
        return self.events[self.events["certain"].astype("boolean").fillna(True)]

    def _has_doubt(self, species: str) -> bool:
        """Whether records of the species are certain or not, and that is to be modelled."""
        if self.settings.uncertain != "model" or "certain" not in self.events:
            return False
        judged = self.events.loc[self.events["species"] == species, "certain"].astype("boolean")
        return bool((~judged.fillna(True)).any())

    # -- tables of one's own ----------------------------------------------------------------------------

    @cached_property
    def _tables(self) -> list[tuple[Path, pd.DataFrame]]:
        found = []
        for name in self.settings.covariates:
            path = self.context.recipe.path(name)
            table = pd.DataFrame(read_table(path)).drop(columns="geometry", errors="ignore")
            keys = [key for key in _KEYS if key in table]
            if not keys:
                raise RecipeError(
                    "has none of the columns cell, season, occasion", where=path, mend="say of what it is"
                )
            if table.duplicated(keys).any():
                raise RecipeError(f"has several rows of one {' and '.join(keys)}", where=path, mend="keep one of them")
            if "cell" in table:
                table["cell"] = table["cell"].astype(str)
            found.append((path, table))
        return found

    def _with_tables(self, history: xr.Dataset, year: int) -> xr.Dataset:
        """Add the variables of visits."""
        cell, occasion = (history[key].to_numpy() for key in ("cell", "occasion"))
        visits = pd.MultiIndex.from_product([cell, occasion], names=["cell", "occasion"]).to_frame(index=False)
        for path, table in self._tables:
            if "occasion" not in table:
                continue
            joined = visits.assign(season=year).merge(table, how="left", on=[key for key in _KEYS if key in table])
            for name in table.columns.difference([*_KEYS]):
                _refuse_known(name, [*history.data_vars, *self.habitat.columns], path)
                history[name] = (("cell", "occasion"), joined[name].to_numpy().reshape(len(cell), len(occasion)))
        return history

    def _cells_with_tables(self, habitat: Any, year: int) -> Any:
        """Add the variables of cells and seasons."""
        for path, table in self._tables:
            if "occasion" in table:
                continue
            for name in table.columns.difference([*_KEYS]):
                _refuse_known(name, habitat.columns, path)
            keys = [key for key in _KEYS if key in table]
            habitat = habitat.assign(season=year).merge(table, how="left", on=keys).drop(columns="season")
        return habitat

    def _warn(self, words: str) -> None:
        if words not in self.context.warnings:
            self.context.warnings.append(words)


def _refuse_known(name: Any, known: Any, path: Path) -> None:
    if name in set(known):
        raise RecipeError(f"column {name!r} is a covariate of the run", where=path, mend="give it another name")
