from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelloop.tables import split

TIMES = st.lists(st.integers(0, 40).map(float) | st.just(float("nan")), min_size=3, max_size=60).map(np.array)


def test_shares_are_spread_evenly_and_sides_have_their_sizes() -> None:
    places = [split.share("salt", str(row)) for row in range(20_000)]
    sides = np.bincount([split.side(place, 0.2) for place in places]) / len(places)
    assert sides == pytest.approx([0.64, 0.16, 0.20], abs=0.015)
    assert 0 <= min(places) < max(places) < 1


def test_a_larger_holdout_contains_the_smaller_one() -> None:
    places = [split.share("salt", str(row)) for row in range(2_000)]
    small = {place for place in places if split.side(place, 0.1) == split.HOLDOUT}
    assert small < {place for place in places if split.side(place, 0.3) == split.HOLDOUT}


def test_salt_moves_rows_and_a_model_keeps_its_salt() -> None:
    moved = [split.share(split.salt("a"), str(row)) != split.share(split.salt("b"), str(row)) for row in range(50)]
    assert all(moved)
    assert split.salt("a") == split.salt("a")


def test_a_missing_cell_adds_nothing_to_a_rows_content() -> None:
    assert split.content({"b": "2", "a": "1"}) == split.content({"a": "1", "b": "2", "new": None})
    assert split.content({"a": "1", "b": "2"}) != split.content({"a": "2", "b": "1"})


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
    assert split.rule(kind="group", columns={"a": "text", "b": "number"}) == split.rule(
        columns={"b": "number", "a": "text"}, kind="group"
    )
    assert split.rule(kind="group", holdout=0.2) != split.rule(kind="group", holdout=0.25)


@given(TIMES, TIMES, st.floats(0.05, 0.5), st.floats(0.05, 0.5))
def test_while_the_parts_end_no_earlier_no_row_that_was_fitted_on_judges_later(
    old: np.ndarray, new: np.ndarray, before: float, after: float
) -> None:
    """What the trainer relies on when a model goes on from a state that was fitted on an earlier table."""
    ends = []
    for times, holdout in ((old, before), (new, after)):
        sides = split.by_time(times, holdout)
        fitted = [float(time) for time in times[sides == split.TRAIN] if not np.isnan(time)]
        chosen = [*fitted, *times[sides == split.VALIDATION].tolist()]
        if not fitted or not chosen:
            return
        ends.append((max(fitted), max(chosen)))
    if ends[1][0] < ends[0][0] or ends[1][1] < ends[0][1]:
        return
    sides = split.by_time(new, after)
    assert not (new[sides == split.VALIDATION] <= ends[0][0]).any()
    assert not (new[sides == split.HOLDOUT] <= ends[0][1]).any()
