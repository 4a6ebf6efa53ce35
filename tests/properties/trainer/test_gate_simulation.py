"""Gate and judge from the upload of a successor to its end, on made-up tables and traffic whose truth is known."""

from __future__ import annotations

import pytest

from tests.support.gate import trials
from tests.support.gate.traffic import PROMOTED, STREAMS, Stream
from tests.support.gate.trials import MUCH_WORSE

BLIND, BUSY = Stream(20_000, 0.0, 0), Stream(20_000, 1.0, 0)
FEW = 3


@pytest.mark.parametrize("name", ["shuffled labels", "inverted labels"])
def test_labels_that_mean_nothing_or_the_opposite_reach_no_caller(name: str) -> None:
    assert trials.measure(name, FEW, [BUSY], [772]).served().hits == 0


def test_a_truly_worse_successor_does_not_become_champion() -> None:
    found = trials.measure("important column dropped", FEW, [BLIND, BUSY], [772])
    assert [found.worse_champions(stream, MUCH_WORSE) for stream in (BLIND, BUSY)] == [(0, FEW), (0, FEW)]


def test_an_unsure_successor_is_tried_where_labels_come_and_seen_by_nobody_elsewhere() -> None:
    found = trials.measure("grown by 10 %", FEW, [BLIND, BUSY], [772])
    unsure = [repeat for repeat in found.repeats if repeat.gate == "unsure"]
    assert unsure
    for repeat in unsure:
        assert (repeat.endings[0].what, repeat.endings[0].answered) == ("undecided", 0)
        assert repeat.endings[1].answered > 0
    assert trials.measure("grown by 10 %", 1, [BLIND, BUSY], [772]).repeats == found.repeats[:1]


def test_a_first_version_of_shuffled_labels_is_never_released_and_one_of_the_world_is() -> None:
    assert trials.measure_first("shuffled labels", FEW, [772])["release"].hits == 0
    assert trials.measure_first("as the world is", FEW, [772])["release"].hits == FEW


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_hundred_successors_that_are_worse_by_a_twentieth_end_as_champion_in_at_most_one_of_twelve() -> None:
    found = trials.measure("linear only", 200, rows=[1_750])
    for stream in STREAMS:
        assert found.worse_champions(stream, MUCH_WORSE).high <= 0.08


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_hundred_fresh_samples_are_hardly_ever_rejected() -> None:
    found = trials.measure("fresh sample, same world", 200, [BLIND])
    assert found.wrongly_rejected().share <= 0.02
    assert not any(ending.unsure and ending.what == PROMOTED for repeat in found.repeats for ending in repeat.endings)
