from __future__ import annotations

import numpy as np
import pytest

from modelloop.tables import split


def test_shares_are_spread_evenly_and_sides_have_their_sizes() -> None:
    places = [split.share("salt", str(row)) for row in range(20_000)]
    sides = np.histogram(places, [0, 0.2, split.validation_edge(0.2), 1])[0] / len(places)
    assert sides == pytest.approx([0.20, 0.16, 0.64], abs=0.015)
    assert 0 <= min(places) < max(places) < 1


def test_salt_moves_rows_and_a_model_keeps_its_salt() -> None:
    moved = [split.share(split.salt("a"), str(row)) != split.share(split.salt("b"), str(row)) for row in range(50)]
    assert all(moved)
    assert split.salt("a") == split.salt("a")


def test_the_newest_rows_are_held_out_and_ties_stay_together() -> None:
    times = np.repeat(np.arange(100.0), 3)
    sides = split.by_time(np.random.default_rng(1).permutation(times), 0.2)
    shuffled = np.random.default_rng(1).permutation(times)
    for side, older in ((split.HOLDOUT, split.VALIDATION), (split.VALIDATION, split.TRAIN)):
        assert shuffled[sides == side].min() > shuffled[sides == older].max()
    assert (sides == split.HOLDOUT).mean() == pytest.approx(0.2, abs=0.02)
    assert (sides == split.VALIDATION).mean() == pytest.approx(0.16, abs=0.02)


def test_a_crowd_at_the_newest_time_is_held_out_whole_and_missing_times_train() -> None:
    times = np.array([1.0, 2, 3, 4, np.nan, *[9.0] * 20])
    sides = split.by_time(times, 0.2)
    assert (sides[times == 9.0] == split.HOLDOUT).all()
    assert sides[4] == split.TRAIN
    assert (sides == split.VALIDATION).sum() == 1


def test_times_that_are_all_missing_hold_nothing_out() -> None:
    assert (split.by_time(np.full(5, np.nan), 0.2) == split.TRAIN).all()


def test_a_rule_is_the_same_for_the_same_facts_in_any_order() -> None:
    def rule(holdout: float = 0.2, **columns: str) -> str:
        return split.hash_rule("group", "g", holdout, split.salt("m"), columns, ("NA", ""))

    assert rule(a="text", b="number") == rule(b="number", a="text")
    assert rule(0.2, a="text") != rule(0.25, a="text")
