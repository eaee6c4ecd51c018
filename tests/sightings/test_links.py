"""Records belong to the row of effort whose time holds them."""

from __future__ import annotations

import pandas as pd

from habitat.sightings import link_to_effort, rows_at


def utc(*texts):
    return pd.Series(pd.to_datetime(list(texts), utc=True)).astype("datetime64[us, UTC]")


EFFORT = pd.DataFrame(
    {
        "effort_id": ["a/2", "a/1", "b"],
        "deployment": ["a", "a", "b"],
        "start": utc("2021-03-01", "2021-01-01", "2021-01-01"),
        "end": utc("2021-04-01", "2021-02-01", "2021-04-01"),
    }
)


def test_a_record_gets_the_row_that_holds_its_time_or_the_one_before_it():
    names = pd.Series(["a", "a", "a", "a", "b", "z", None], dtype=object)
    times = utc("2021-01-05", "2021-03-05", "2021-02-15", "2020-12-31", "2021-02-15", "2021-02-15", "2021-02-15")
    rows, holds = rows_at(names, times, EFFORT)
    assert rows.tolist() == [1, 0, 1, 1, 2, -1, -1]
    assert holds.tolist() == [True, True, False, False, True, False, False]
    linked = link_to_effort(pd.DataFrame({"effort_id": names, "time": times}), EFFORT)
    assert linked["effort_id"].tolist() == ["a/1", "a/2", "a/1", "a/1", "b", "z", None]


def test_both_ends_of_a_row_belong_to_it():
    _, holds = rows_at(pd.Series(["a", "a"]), utc("2021-01-01", "2021-02-01"), EFFORT)
    assert holds.all()


def test_effort_without_names_of_deployments_links_nothing():
    table = pd.DataFrame({"effort_id": ["a/1"], "time": utc("2021-01-05")})
    assert link_to_effort(table, EFFORT.drop(columns="deployment")) is table


def test_without_effort_nothing_is_linked():
    rows, holds = rows_at(pd.Series(["a"], dtype=object), utc("2021-01-05"), EFFORT.iloc[:0])
    assert (rows.tolist(), holds.tolist()) == ([-1], [False])


def test_of_days_without_hours_a_record_belongs_to_the_pass_of_its_cell_and_day():
    effort = pd.DataFrame(
        {
            "effort_id": ["p/1", "p/2", "p/3", "p/4"],
            "deployment": "p",
            "cell": ["A", "B", "A", "B"],
            "timed": False,
            "start": utc("2021-06-01T00:00", "2021-06-01T12:00", "2021-06-05T00:00", "2021-06-05T12:00"),
            "end": utc("2021-06-01T12:00", "2021-06-02T00:00", "2021-06-05T12:00", "2021-06-06T00:00"),
        }
    )
    asked = pd.DataFrame({"effort_id": "p", "cell": "B", "time": utc("2021-06-05T09:00", "2021-06-01T09:00")})
    assert link_to_effort(asked, effort)["effort_id"].tolist() == ["p/4", "p/2"]


def test_a_camera_and_a_patrol_of_one_name_do_not_mix():
    effort = pd.DataFrame(
        {
            "effort_id": ["a", "a/1", "a/2"],
            "deployment": "a",
            "method": ["camera", "patrol", "patrol"],
            "start": utc("2021-01-01", "2021-01-10", "2021-03-01"),
            "end": utc("2021-02-01", "2021-01-11", "2021-03-02"),
        }
    )
    # at work were: the camera alone, both, the second walk alone, none
    times = utc("2021-01-20T12:00", "2021-01-10T12:00", "2021-03-01T12:00", "2021-02-15T12:00")
    rows, holds = rows_at(pd.Series(["a"] * 4), times, effort)
    assert rows.tolist() == [0, -1, 2, -1]
    assert holds.tolist() == [True, False, True, False]
