"""Real packages of records: the example of the Camtrap DP standard, and camtrapR's sample tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from habitat.records import Reading, read_records, split_findings

pytestmark = pytest.mark.realdata


def test_the_example_of_camtrap_dp(realdata: Path) -> None:
    """Its tables were counted by hand (csv and Counter): 549 records, 36 of events, 33 + 21 of people and vehicles."""
    records = read_records([realdata / "realdata" / "camtrap-dp"])
    assert [(s.format, s.role, s.records) for s in records.sources] == [
        ("camtrap_dp", "deployments", 4),
        ("camtrap_dp", "observations", 549),
    ]
    assert records.effort["effort_days"].round(2).tolist() == [32.28, 9.95, 9.11, 22.03]
    # all animals that events tell; pictures are set aside, since each belongs to an event that is told
    assert records.observations["species"].value_counts().to_dict() == {
        "Anas platyrhynchos": 15,
        "Mustela putorius": 3,
        "Rattus norvegicus": 2,
        "Anas strepera": 2,
        "Aves": 2,
        "Ardea": 2,
        "Ardea cinerea": 1,
        "Vulpes vulpes": 1,
        "Martes foina": 1,
    }
    quarantine, flags = split_findings(records.findings)
    assert len(quarantine) + len(records.observations) == 549
    assert (quarantine["kind"] == "person").sum() == 33
    assert (quarantine["kind"] == "vehicle").sum() == 21
    # a machine called the herons with 0.71 to 0.9
    assert set(flags["kind"]) == {"uncertain"}
    assert set(records.observations["species"][records.observations["certain"].eq(False)]) == {"Ardea"}
    first = records.observations.set_index("event").loc["705e6036"]
    assert first["time"] == pd.Timestamp("2020-05-30T02:57:37Z")
    assert (first.geometry.x, first.geometry.y) == (4.774, 51.496)


@pytest.mark.parametrize(
    ("cameras", "pictures", "n", "days"),
    [
        ("camtraps", "recordTableSample", 39, [42, 43, 38]),
        ("camtraps", "recordTableIndividualSample", 21, [42, 43, 38]),
        ("camtrapsMultiSeason", "recordTableSampleMultiSeason", 78, [42, 43, 38, 42, 43, 38, 46, 18]),
    ],
)
def test_the_sample_of_camtrapr(realdata: Path, cameras: str, pictures: str, n: int, days: list[int]) -> None:
    """Days worked between set-up and retrieval, less those of the problem, counted from the dates by hand."""
    folder = realdata / "reference" / "camtrapR_sample"
    reading = Reading(crs="EPSG:32650", timezone="Asia/Kuala_Lumpur")
    records = read_records([folder / f"{pictures}.csv"], [folder / f"{cameras}.csv"], reading=reading)
    assert {source.format for source in records.sources} == {"camtrapr"}
    assert len(records.observations) == n
    assert records.effort["effort_days"].tolist() == days
    assert split_findings(records.findings)[0].empty
    assert not {"before_deployment", "after_deployment", "in_a_gap", "clock_shift"} & set(records.findings["kind"])
    assert records.observations.geometry.x.between(117, 118).all(), "Sabah, by the stations' coordinates"
