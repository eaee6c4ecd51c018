from __future__ import annotations

import pickle
import re

import pytest

from habitat import errors
from habitat.errors import HabitatError, ReadError, StoreError

BUILTIN = {
    "RecipeError": ValueError,
    "CatalogueError": ValueError,
    "ReadError": OSError,
    "FetchError": OSError,
    "ContractError": ValueError,
    "GridError": ValueError,
    "TrainingError": ValueError,
    "RecordsError": ValueError,
    "EstimationError": ArithmeticError,
    "StoreError": OSError,
}
KINDS = [getattr(errors, name) for name in BUILTIN]


def test_the_tree_on_the_page_is_the_tree_in_the_code() -> None:
    drawn = dict(re.findall(r"── (\w+) +\((\w+)\)", errors.__doc__ or ""))
    assert drawn == {name: builtin.__name__ for name, builtin in BUILTIN.items()}
    assert {kind.__name__ for kind in HabitatError.__subclasses__()} == set(BUILTIN)


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_also_a_builtin(kind: type[HabitatError]) -> None:
    assert issubclass(kind, HabitatError)
    assert issubclass(kind, BUILTIN[kind.__name__])


@pytest.mark.parametrize("kind", KINDS)
def test_the_message_is_one_line(kind: type[HabitatError]) -> None:
    error = kind("is not\n  GeoTIFF", where="a.tif", mend="fetch it again\n")
    assert str(error) == "a.tif: is not GeoTIFF; fetch it again"


def test_place_and_remedy_may_be_left_out() -> None:
    assert str(HabitatError("nothing to do")) == "nothing to do"
    assert str(HabitatError("nothing to do", where="area")) == "area: nothing to do"
    assert str(HabitatError("nothing to do", mend="add scenes")) == "nothing to do; add scenes"


@pytest.mark.parametrize("kind", KINDS)
def test_it_crosses_a_process_boundary(kind: type[HabitatError]) -> None:
    error = pickle.loads(pickle.dumps(kind("is empty", where="a.csv", mend="add rows")))
    assert type(error) is kind
    assert (str(error), error.what, error.where, error.mend) == (
        "a.csv: is empty; add rows",
        "is empty",
        "a.csv",
        "add rows",
    )


@pytest.mark.parametrize("kind", [ReadError, StoreError])
def test_the_words_are_not_taken_for_an_errno(kind: type[OSError]) -> None:
    error = kind("is empty", where="a.csv", mend="add rows")  # type: ignore[call-arg]
    assert (error.errno, error.strerror, error.filename) == (None, None, None)
