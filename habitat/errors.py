"""What can go wrong, on one page.

    HabitatError
    ├── RecipeError      (ValueError)  the recipe: unknown key, impossible season, missing section
    ├── CatalogueError   (ValueError)  the scenes' catalogue: not STAC, no scenes, an asset missing
    ├── ReadError        (OSError)     a raster that cannot be read: truncated, missing, not a GeoTIFF
    ├── FetchError       (OSError)     a file on the web that cannot be had, or must not be asked for
    ├── ContractError    (ValueError)  a cube or table that is not what the next stage needs
    ├── GridError        (ValueError)  two rasters that do not lie on one grid, or an area without one
    ├── TrainingError    (ValueError)  labels a model cannot be trained from
    ├── RecordsError     (ValueError)  sightings or effort that cannot be used
    ├── EstimationError  (ArithmeticError)  a model that cannot be estimated from these data
    └── StoreError       (OSError)     a run's folder: another recipe's, not writable, disk full

Every message is one line that says what is wrong, where, and how to mend it. All of them mean "the
input", so the command line turns any of them into exit status 1; anything else is a bug of ours.
"""

from __future__ import annotations


class HabitatError(Exception):
    """Base of every error that the input can cause.

    Parameters
    ----------
    what : str
        What is wrong, as a clause without a full stop.
    where : object, optional
        The file, key or record it is about.
    mend : str, optional
        What the user can do about it.
    """

    def __init__(self, what: str, *, where: object = None, mend: str | None = None) -> None:
        self.what, self.where, self.mend = what, where, mend
        super().__init__(what)  # more would be taken for errno and strerror by those that are OSErrors

    def __str__(self) -> str:
        text = self.what if self.where is None else f"{self.where}: {self.what}"
        if self.mend:
            text = f"{text}; {self.mend}"
        return " ".join(text.split())

    def __reduce__(self) -> tuple[object, ...]:
        """Keep `where` and `mend` when an error crosses a process boundary."""
        return _rebuild, (type(self), self.what, None if self.where is None else str(self.where), self.mend)


def _rebuild(kind: type[HabitatError], what: str, where: str | None, mend: str | None) -> HabitatError:
    return kind(what, where=where, mend=mend)


class RecipeError(HabitatError, ValueError):
    """The recipe asks for something that does not exist or cannot be."""


class CatalogueError(HabitatError, ValueError):
    """The catalogue of scenes is unreadable, empty, or lacks what the recipe needs."""


class ReadError(HabitatError, OSError):
    """A raster cannot be read: it is missing, truncated, or not what it says it is."""


class FetchError(HabitatError, OSError):
    """A file on the web cannot be had after all, or its address must not be followed."""


class ContractError(HabitatError, ValueError):
    """A cube or a table does not keep the contract of :mod:`habitat.cubes`."""


class GridError(HabitatError, ValueError):
    """Rasters do not share one grid, or a grid cannot be made."""


class TrainingError(HabitatError, ValueError):
    """A model cannot be trained from these labels."""


class RecordsError(HabitatError, ValueError):
    """Sightings or effort cannot be used as they are."""


class EstimationError(HabitatError, ArithmeticError):
    """A statistical model cannot be estimated from these data."""


class StoreError(HabitatError, OSError):
    """The run's folder cannot be written, or belongs to something else."""
