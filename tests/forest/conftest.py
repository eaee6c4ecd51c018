from __future__ import annotations

from collections.abc import Iterator

import pytest

import habitat.forest.classifier


@pytest.fixture(autouse=True, scope="package")
def few_trees() -> Iterator[None]:
    """Classes that lie far apart need few trees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(habitat.forest.classifier, "N_TREES", 25)
        yield
