"""What happened: clear cut, selective cut, fire, insects or drought, wind or flood, building, or "don't know".

A multinomial logistic model of the attributes of a patch (:func:`describe_patches`): each kind's score is a sum of
weights times attributes, in standard units, so that every verdict can be taken apart. The weights lie in
`_kind_weights`, a table that `benchmarks/kinds.py` writes from simulated landscapes of seeds 0 to 39.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from habitat.change._kind_weights import CENTRE, FARTHEST, FILL, KINDS, PRIOR, SPREAD, WEIGHTS
from habitat.change.patches import ATTRIBUTES
from habitat.errors import ContractError

DONT_KNOW = "don't know"
LEAST_PROBABILITY = 0.4
"""Below it no kind is named."""
_REACH = 3.0
"""Standard units beyond which an attribute counts no more."""


def kind_of_loss(
    attributes: pd.DataFrame, *, prior: dict[str, float] | None = None, least_probability: float = LEAST_PROBABILITY
) -> Any:
    """Name the kind of each patch of loss, or say that it is not known.

    Parameters
    ----------
    attributes : DataFrame
        Of :func:`describe_patches`; NaN where nothing was seen: such an attribute says nothing.
    prior : dict, optional
        How frequent each kind is, in any unit; a kind left out does not happen. Without it they are as in the training,
        where each counted by the root of how often it came: rare ones are neither never named nor named too often.
    least_probability : float
        0-1; a patch whose likeliest kind is less probable is "don't know", and so is one whose attributes lie farther
        from all that the model was trained on than nearly all of that itself.

    Returns
    -------
    DataFrame
        Indexed as `attributes`: `kind`, `probability` of the likeliest kind, `distance` (root mean square of the
        attributes in standard units), and a column for the probability of each kind.

    Raises
    ------
    ContractError
        If an attribute is missing, a kind of the prior does not exist, or the prior is 0 for all.
    """
    missing = [name for name in ATTRIBUTES if name not in attributes.columns]
    unknown = set(prior or ()) - set(KINDS)
    if missing or unknown:
        raise ContractError(
            f"attributes {missing} are missing" if missing else f"kinds {sorted(unknown)} do not exist",
            where="kind_of_loss",
            mend="describe patches with describe_patches" if missing else f"choose from {', '.join(KINDS)}",
        )
    values = attributes[list(ATTRIBUTES)].to_numpy(dtype=float)
    seen = np.isfinite(values)
    units = (np.where(seen, values, FILL) - CENTRE) / SPREAD
    distance = np.sqrt(np.where(seen, units**2, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))
    scores = np.column_stack([np.ones(len(units)), np.clip(units, -_REACH, _REACH)]) @ np.asarray(WEIGHTS).T
    frequency = np.ones(len(KINDS)) if prior is None else np.array([prior.get(kind, 0.0) for kind in KINDS]) / PRIOR
    if not frequency.sum() > 0:
        raise ContractError("the prior leaves no kind", where="kind_of_loss", mend="give one kind a share above 0")
    odds = np.exp(scores - scores.max(axis=1, keepdims=True)) * frequency
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    best = probabilities.argmax(axis=1)
    probability = probabilities.max(axis=1)
    enough = seen.mean(axis=1) >= 0.5
    knows = (probability >= least_probability) & (distance <= FARTHEST) & enough
    kind: np.ndarray = np.where(knows, np.array(KINDS, dtype=object)[best], DONT_KNOW)
    table = pd.DataFrame({"kind": kind, "probability": probability, "distance": distance}, index=attributes.index)
    return table.assign(**dict(zip(KINDS, probabilities.T, strict=True)))
