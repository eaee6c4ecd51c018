"""The race of medians runs, and all who take part give the same numbers; how fast is for its own page to say."""

from __future__ import annotations

from benchmarks import compositing


def test_all_medians_are_the_same() -> None:
    assert {"numpy.nanmedian", "habitat"} <= set(compositing.race(9, 1_000))
