from __future__ import annotations

import random
from typing import Any

import pytest

from modelloop.contracts.counts import branch, integer
from modelloop.contracts.index_entry import IndexEntry, SourceObject
from modelloop.monitoring.quality import shadow_agreement
from modelloop.versions.run import Metrics
from tests.support.manifests import manifest_of

LABELS = manifest_of(classes=("a", "b"))
NUMBERS = manifest_of(classes=None, metrics=Metrics({"rmse": {"value": 2.0}}, {}, None))
UNMEASURED = manifest_of(classes=None, metrics=Metrics({}, {}, None))


def entry(
    identifier: str,
    variant: str,
    predict: list[Any],
    *,
    offset: int = 0,
    version: int | None = None,
    rollout: str = "r",
) -> bytes:
    number = {"champion": 1, "challenger": 3}.get(variant, 2) if version is None else version
    return IndexEntry(identifier, offset, number, variant, rollout, predict, None, None).to_line()


def test_rows_of_both_are_counted_by_rollout_and_pair_of_versions() -> None:
    index = [
        SourceObject("k", None).to_line(),
        entry("one", "champion", ["a", "b"]),
        entry("one", "shadow", ["a", "a"]),
        entry("one", "champion", ["a"], offset=2),
        entry("two", "challenger", ["a"]),
        entry("two", "shadow", ["b"]),
        entry("three", "shadow", ["b"], version=4),
        entry("three", "champion", ["a"]),
        entry("four", "shadow", ["b"], rollout="s"),
        entry("four", "champion", ["b"], rollout="s"),
        entry("five", "shadow", ["b"], rollout=""),
        entry("five", "champion", ["b"], rollout=""),
    ]
    assert shadow_agreement.count(index, lambda _: LABELS) == {
        "r/2/1": {"rows": 2, "different": 1},
        "r/4/1": {"rows": 1, "different": 1},
        "s/2/1": {"rows": 1, "different": 0},
    }


def test_every_order_and_repetition_counts_the_same() -> None:
    source = random.Random(4)
    index = []
    for number in range(50):
        index.append(entry(str(number), "champion", source.choices(["a", "b"], k=3)))
        if source.random() < 0.7:
            index.append(entry(str(number), "shadow", source.choices(["a", "b"], k=3)))
    wanted = shadow_agreement.count(index, lambda _: LABELS)
    agreement = branch(wanted, "r/2/1")
    assert integer(agreement, "rows") > integer(agreement, "different") > 0
    for _ in range(20):
        again = index + source.choices(index, k=20)
        source.shuffle(again)
        assert shadow_agreement.count(again, lambda _: LABELS) == wanted


@pytest.mark.parametrize(("said", "different"), [(11.9, 0), (12.1, 1), (None, 1)])
def test_numbers_differ_when_they_are_further_apart_than_the_usual_error(said: float | None, different: int) -> None:
    index = [entry("one", "champion", [10.0]), entry("one", "shadow", [said])]
    assert shadow_agreement.count(index, lambda _: NUMBERS) == {"r/2/1": {"rows": 1, "different": different}}


def test_what_cannot_be_measured_is_left_out() -> None:
    index = [entry("one", "champion", [10.0]), entry("one", "shadow", [20.0])]
    assert shadow_agreement.count(index, lambda _: UNMEASURED) == {}
    assert shadow_agreement.count(index, lambda _: None) == {}
