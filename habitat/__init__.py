"""habitat: from satellite tiles and sightings to habitat loss and where the animals live.

The stages are plain functions over :class:`xarray.Dataset` and tables; they can be called one by one, as the
notebooks do, or all at once by :func:`run_recipe`. Importing this module costs nothing: each name is loaded
when it is first used (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "read_recipe": "recipe",
    "describe": "workflow",
    "fetch_recipe": "workflow",
    "run_recipe": "workflow",
    "index_products": "tiles",
    "select_scenes": "tiles",
    "run_grid": "tiles",
    "common_bands": "tiles",
    "settle_offsets": "tiles",
    "read_stack": "tiles",
    "read_area": "records",
    "read_labels": "records",
    "clear_looks": "imagery",
    "seasonal_median": "imagery",
    "forest_features": "imagery",
    "gather": "forest",
    "train_cover": "forest",
    "predict_cover": "forest",
    "smooth_forest": "change",
    "first_loss_year": "change",
    "without_small_patches": "change",
    "write_sample": "simulate",
    "write_report": "report",
}
"""Name to the submodule that holds it, in the order of the work."""

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'habitat' has no attribute {name!r}")
    return getattr(import_module(f"habitat.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
