"""Agreement with unmarked's occu() on published data (R 4.2.2, unmarked 1.4.1.9005), on the logit scale."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from habitat.occupancy import SingleSeasonOccupancy

pytestmark = pytest.mark.realdata


def history_of(detected: pd.DataFrame, **variables: np.ndarray) -> xr.Dataset:
    data = {"detected": (("cell", "occasion"), detected.to_numpy(dtype=float))}
    data |= {name: (("cell", "occasion"), values) for name, values in variables.items()}
    return xr.Dataset(data, coords={"cell": np.arange(len(detected))})


def expected(folder: Path) -> list[dict]:
    return json.loads((folder / "expected.json").read_text())


def compare(model: SingleSeasonOccupancy, reference: dict) -> None:
    table = model.estimates_
    estimate, se = np.array([(row["estimate"], row["se"]) for row in reference["params"]]).T
    assert model.converged_
    np.testing.assert_allclose(table["estimate"], estimate, rtol=0, atol=1e-3)
    np.testing.assert_allclose(table["se"], se, rtol=0.02)
    assert model.loglik_ == pytest.approx(reference["logLik"], abs=1e-2)
    assert model.aic_ == pytest.approx(reference["AIC"], abs=2e-2)


@pytest.mark.parametrize(("k", "psi", "p"), [(0, "1", "1"), (1, "Browsed", "Obs"), (2, "Browsed", "Obs - 1 + Browsed")])
def test_weta(realdata, k, psi, p):
    folder = realdata / "reference" / "weta"
    table = pd.read_csv(folder / "weta.csv")
    history = history_of(table[[f"D{i}" for i in range(1, 6)]], Obs=table.filter(like="Obs").to_numpy(dtype=object))
    compare(SingleSeasonOccupancy(psi, p).fit(history, table[["Browsed"]]), expected(folder)[k])


@pytest.mark.parametrize(("k", "p"), [(0, "1"), (1, "visit - 1")])
def test_salamanders(realdata, k, p):
    folder = realdata / "reference" / "salamanders"
    table = pd.read_csv(folder / "salamanders.csv")
    visit = np.tile(np.array(list("12345"), dtype=object), (len(table), 1))
    compare(SingleSeasonOccupancy("1", p).fit(history_of(table, visit=visit)), expected(folder)[k])


def frogs(folder: Path, species: str) -> xr.Dataset:
    table = pd.read_csv(folder / f"{species}_long.csv").rename(
        columns={"site": "cell", "visit": "occasion", "y": "detected"}
    )
    for name in ("MinAfterSunset", "Temperature"):
        table[name] = (table[name] - table[name].mean()) / table[name].std()
    columns = ["detected", "MinAfterSunset", "Temperature"]
    return table.set_index(["cell", "occasion"])[columns].to_xarray()


@pytest.mark.parametrize("species", ["pcru", "pfer"])
def test_frogs_with_covariates_of_the_visit(realdata, species):
    folder = realdata / "reference" / "frogs"
    reference = expected(folder)[species][1]
    compare(SingleSeasonOccupancy("1", "MinAfterSunset + Temperature").fit(frogs(folder, species)), reference)


def test_frogs_where_the_reference_stops_short_of_the_maximum(realdata):
    # R's optimiser ends 7e-6 below our log-likelihood, on a surface so flat that the logit of psi, whose SE
    # is 1.4, still has 0.005 to go.
    folder = realdata / "reference" / "frogs"
    reference = expected(folder)["pcru"][0]
    model = SingleSeasonOccupancy().fit(frogs(folder, "pcru"))
    assert 0 <= model.loglik_ - reference["logLik"] < 1e-4
    estimate, se = np.array([(row["estimate"], row["se"]) for row in reference["params"]]).T
    assert (np.abs(model.estimates_["estimate"] - estimate) < 0.005 * se).all()
    np.testing.assert_allclose(model.estimates_["se"], se, rtol=0.02)


def test_frogs_at_a_boundary_are_flagged_and_not_reported(realdata):
    folder = realdata / "reference" / "frogs"
    reference = expected(folder)["pfer"][0]
    model = SingleSeasonOccupancy().fit(frogs(folder, "pfer"))
    assert model.boundary_ == (("psi", "Intercept"),)
    assert model.loglik_ == pytest.approx(reference["logLik"], abs=1e-2)
    psi, p = model.estimates_.iloc[0], model.estimates_.iloc[1]
    assert np.isnan(psi["estimate"])
    assert p["estimate"] == pytest.approx(reference["params"][1]["estimate"], abs=1e-3)
    assert p["se"] == pytest.approx(reference["params"][1]["se"], rel=0.02)
