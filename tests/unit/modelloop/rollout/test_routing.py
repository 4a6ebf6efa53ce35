from __future__ import annotations

import pytest

from modelloop.contracts.pointer import Pointer, VersionRef, pointer_from_json
from modelloop.errors import ArtifactRefusedError
from modelloop.ids import uuid7
from modelloop.rollout.routing import choose, pinned

ONE = VersionRef(1, "run-1", "versions/m/run-1/model.flat.json", "aa", 10)
TWO = VersionRef(2, "run-2", "versions/m/run-2/model.flat.json", "bb", 10)
THREE = VersionRef(3, "run-3", "versions/m/run-3/model.flat.json", "cc", 10)


def pointer(**changes: object) -> Pointer:
    return Pointer("m", 1, ONE).revised(**changes)


@pytest.mark.parametrize(
    ("ids", "weight"), [("sequential", 10), ("sequential", 100), ("uuid7", 1), ("uuid7", 50), ("uuid7", 0)]
)
def test_weights_are_exact_to_half_a_percent(weight: float, ids: str) -> None:
    staged = pointer(challenger=TWO, weight=weight)
    keys = (
        (str(n) for n in range(100_000))
        if ids == "sequential"
        else (uuid7(1_700_000_000_000 + n) for n in range(100_000))
    )
    challenged = sum(choose(staged, key).variant == "challenger" for key in keys)  # type: ignore[union-attr]
    assert abs(challenged / 1_000 - weight) <= 0.5


def test_keys_keep_the_challenger_when_its_weight_rises() -> None:
    keys = [str(n) for n in range(2_000)]
    small = {key for key in keys if choose(pointer(challenger=TWO, weight=10), key).ref == TWO}  # type: ignore[union-attr]
    large = {key for key in keys if choose(pointer(challenger=TWO, weight=40), key).ref == TWO}  # type: ignore[union-attr]
    other = {key for key in keys if choose(pointer(challenger=THREE, weight=10), key).ref == THREE}  # type: ignore[union-attr]
    assert small < large
    assert len(small & other) < len(small) / 2


def test_nothing_serves_without_a_champion() -> None:
    assert choose(pointer(champion=None), "key") is None


def test_versions_are_found_wherever_the_pointer_has_them() -> None:
    whole = pointer(challenger=TWO, pins=(THREE,), previous=TWO)
    assert whole.refs() == (ONE, TWO, THREE)
    assert pinned(whole, 1) == (ONE, "champion")
    assert pinned(whole, 3) == (THREE, "pinned")
    assert pinned(whole, 9) is None


def test_the_document_round_trips() -> None:
    whole = pointer(challenger=TWO, pins=(THREE,), previous=TWO, shadow=THREE, weight=12.5, bake_until="2026-01-01")
    document = whole.to_json()
    document["pins"] = list(document["pins"])
    assert pointer_from_json(document) == whole


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"format_version": 2},
        {"format_version": 1},
        {"format_version": 1, "model": "m", "revision": 1, "champion": {}},
    ],
)
def test_damaged_pointers_are_refused(document: dict[str, object]) -> None:
    with pytest.raises(ArtifactRefusedError):
        pointer_from_json(document)
