"""A model as plain settings and arrays, and back: whatever a file claims is checked before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from habitat.errors import ContractError
from habitat.forest.applicability import Applicability
from habitat.forest.boosting import MAX_BORDERS, MAX_DEPTH, SymmetricTrees
from habitat.forest.calibration import Temperatures
from habitat.forest.classifier import CoverModel

MAX_TREES = 10_000
MAX_PREDICTORS = 10_000
_TREES = {
    "borders": np.float32,
    "border_starts": np.int64,
    "split_features": np.int64,
    "split_bins": np.uint8,
    "leaves": np.int32,
    "bias": np.float32,
}
_ELSEWHEN = "elsewhen_"
"""Stands before the names of arrays of the trees that are asked of years without labels."""
_AREA = {"centre": np.float32, "axes": np.float32, "points": np.float32}


def pack_model(model: CoverModel) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a model's settings, fit for JSON, and its arrays."""
    trees, area = model.estimator, model.applicability
    header = {
        "predictors": list(model.predictors),
        "codes": list(model.codes),
        "label_years": list(model.label_years),
        "forest_codes": list(model.forest_codes),
        "own_years": vars(model.own_years),
        "other_years": vars(model.other_years),
        "settings": {name: value for name, value in trees.get_params().items() if name != "random_state"},
        "unit": trees.unit_,
        "elsewhen_unit": None if model.elsewhen is None else model.elsewhen.unit_,
        "applicability": None if area is None else {"mean_distance": area.mean_distance, "threshold": area.threshold},
    }
    arrays = {name: getattr(trees, f"{name}_") for name in _TREES}
    if model.elsewhen is not None:
        arrays |= {f"{_ELSEWHEN}{name}": getattr(model.elsewhen, f"{name}_") for name in _TREES}
    if area is not None:
        arrays |= {name: getattr(area, name) for name in _AREA}
    return header, arrays


def unpack_model(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, where: object = "model") -> CoverModel:
    """Make the model of what :func:`pack_model` returned.

    Raises
    ------
    ContractError
        If anything is missing, of another kind, or out of range: no index may lead beyond its array.
    """
    try:
        return _unpack(header, arrays)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ContractError(f"does not hold a model ({reason})", where=where, mend="train the model again") from error


def _unpack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> CoverModel:
    predictors = _texts(header["predictors"])
    codes, forest, years = (_whole_numbers(header[name]) for name in ("codes", "forest_codes", "label_years"))
    _demand(2 <= len(codes) <= 254 and list(codes) == sorted(set(codes)), "codes are not ascending")
    _demand(codes[0] >= 1 and codes[-1] <= 254, "codes are not 1 to 254")
    _demand(0 < len(predictors) <= MAX_PREDICTORS and len(set(predictors)) == len(predictors), "predictors repeat")
    _demand(0 < len(forest) < len(codes) and set(forest) < set(codes), "forest codes are none or all of the codes")
    trees = _unpack_trees(header, arrays, len(predictors), np.array(codes))
    elsewhen = None
    if header["elsewhen_unit"] is not None:
        elsewhen = _unpack_trees(header, arrays, len(predictors), np.array(codes), prefix=_ELSEWHEN)
    own_years, other_years = (_temperatures(header[name]) for name in ("own_years", "other_years"))
    area = _unpack_area(header, arrays, len(predictors))
    return CoverModel(trees, predictors, codes, forest, years, own_years, other_years, area, elsewhen)


def _unpack_trees(
    header: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    n_predictors: int,
    codes: np.ndarray,
    *,
    prefix: str = "",
) -> SymmetricTrees:
    """The classifier; compiled loops follow its indices unchecked, so that they are checked here."""
    own = {name: _typed(arrays, f"{prefix}{name}", kind) for name, kind in _TREES.items()}
    n_trees, depth = _shape(own["split_features"], 2)
    outputs = 1 if len(codes) == 2 else len(codes)
    _demand(1 <= n_trees <= MAX_TREES and 1 <= depth <= MAX_DEPTH, "trees are too many or too deep")
    _demand(own["split_bins"].shape == (n_trees, depth), "levels have no borders")
    _demand(own["leaves"].shape == (n_trees, 2**depth, outputs), "leaves do not fit the trees")
    _demand(own["bias"].shape == (outputs,) and bool(np.isfinite(own["bias"]).all()), "bias")
    _demand(bool((own["leaves"] >= 0).all()), "leaves below 0")
    _demand(int(own["leaves"].astype(np.int64).max(axis=1).sum(axis=0).max()) < 2**21, "leaves too large")
    features, starts = own["split_features"], own["border_starts"]
    _demand(bool(((features >= 0) & (features < n_predictors)).all()), "a predictor that is not there")
    _demand(starts.shape == (n_predictors + 1,) and starts[0] == 0, "borders do not fit the predictors")
    _demand(bool((np.diff(starts) >= 0).all() and (np.diff(starts) <= MAX_BORDERS).all()), "borders out of order")
    _demand(own["borders"].shape == (starts[-1],) and not np.isnan(own["borders"]).any(), "borders")
    settings = header["settings"]
    _demand(isinstance(settings, dict) and set(settings) <= set(SymmetricTrees().get_params()), "settings")
    _demand(all(isinstance(value, int | float) for value in settings.values()), "settings are not numbers")
    trees = SymmetricTrees(**settings)
    for name, values in own.items():
        setattr(trees, f"{name}_", values)
    trees.unit_ = _positive(header[f"{prefix}unit"], "unit")
    trees.classes_, trees.n_features_in_ = codes, n_predictors
    return trees


def _unpack_area(
    header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], n_predictors: int
) -> Applicability | None:
    said = header["applicability"]
    if said is None:
        return None
    own = {name: _typed(arrays, name, kind) for name, kind in _AREA.items()}
    n_axes = _shape(own["axes"], 2)[1]
    _demand(own["centre"].shape == (n_predictors,) and own["axes"].shape == (n_predictors, n_axes), "axes")
    _demand(_shape(own["points"], 2)[1] == n_axes and len(own["points"]) > 0, "points")
    _demand(all(bool(np.isfinite(values).all()) for values in own.values()), "applicability is not finite")
    mean_distance, threshold = (_positive(said[name], name) for name in ("mean_distance", "threshold"))
    return Applicability(own["centre"], own["axes"], own["points"], mean_distance, threshold)


def _temperatures(said: Any) -> Temperatures:
    return Temperatures(_positive(said["kind"], "kind"), _positive(said["within"], "within"))


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _typed(arrays: Mapping[str, np.ndarray], name: str, kind: type) -> np.ndarray:
    _demand(arrays[name].dtype == np.dtype(kind), f"{name} is {arrays[name].dtype}")
    return np.ascontiguousarray(arrays[name])


def _shape(values: np.ndarray, n_dims: int) -> tuple[int, ...]:
    _demand(values.ndim == n_dims, f"an array of {values.ndim} dimensions, not {n_dims}")
    return values.shape


def _texts(values: Any) -> tuple[str, ...]:
    _demand(isinstance(values, list) and all(isinstance(v, str) and 0 < len(v) < 200 for v in values), "names")
    return tuple(values)


def _whole_numbers(values: Any) -> tuple[int, ...]:
    _demand(isinstance(values, list) and all(type(v) is int and 0 <= v < 10_000 for v in values), "whole numbers")
    return tuple(values)


def _positive(value: Any, name: str) -> float:
    _demand(type(value) in (int, float) and 0 < value < float("inf"), f"{name} is not a positive number")
    return float(value)
