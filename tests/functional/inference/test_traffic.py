"""Staged traffic, shadows, pins, and how quickly a changed pointer takes hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from inference.pointers import Pointers
from modelloop import keys
from modelloop.aws.dataplane.objects import Objects
from modelloop.errors import NotFoundError, NotReadyError, TransientError
from modelloop.rollout.routing import choose

if TYPE_CHECKING:
    from tests.support.data_plane import Plane, Store

INFER = "POST /v2/models/{model}/infer"
PINNED = "POST /v2/models/{model}/versions/{version}/infer"
P: dict[str, Any] = {"model": "penguins"}
BODY = {"instances": [[1.0, "Dream"]]}
INVOKE = "POST /models/{model}/invocations"


def served(plane: Plane, request_id: str, **headers: str) -> str:
    answer = plane.call(INVOKE, BODY, request_id=request_id, headers=headers, **P)
    assert answer.status == 200
    return str(answer.headers["x-modelloop-version"])


def test_the_weight_decides_who_answers(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1), challenger=store.version(2), weight=30)
    pointer = plane.service.pointers.get("penguins").pointer
    ids = [f"request-{number}" for number in range(40)]
    expected = [str(choice.ref.version) for choice in (choose(pointer, name) for name in ids) if choice]
    assert [served(plane, name) for name in ids] == expected
    assert set(expected) == {"1", "2"}
    variants = {line["variant"]: line["version"] for line in plane.captures.lines}
    assert variants == {"champion": 1, "challenger": 2}


def test_every_record_names_the_rollout_that_chose_its_version_unless_the_caller_did(
    store: Store, plane: Plane
) -> None:
    two = store.version(2)
    store.pointer(store.version(1), challenger=two, shadow=two, weight=50, bake_until="2026-11-23T11:30:00.000Z")
    plane.call(INVOKE, BODY, **P)
    plane.call(INVOKE, {"instances": [["no number", "Dream"]]}, **P)
    plane.call(PINNED, BODY_OIP, version="1", **P)
    plane.call(PINNED, {"inputs": "none"}, version="1", **P)
    told = [(line["kind"], line["rollout"]) for line in plane.captures.lines]
    within, without = "20261123T113000000Z", ""
    assert told == [
        ("prediction", within), ("prediction", within), ("error", within),
        ("prediction", without), ("prediction", without), ("error", without),
    ]  # fmt: skip


def test_a_sticky_key_keeps_its_version(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1), challenger=store.version(2), weight=50)
    for user in ("ada", "bob", "eve", "kim"):
        versions = {served(plane, f"r{number}", **{"X-Modelloop-Sticky-Key": user}) for number in range(5)}
        assert len(versions) == 1


def test_a_shadow_answers_nobody_and_is_captured(store: Store, plane: Plane) -> None:
    shadow = store.version(2, flat=plane_flat(intercept=-9.0), golden={"rows": [], "outputs": []})
    store.pointer(store.version(1), shadow=shadow)
    assert served(plane, "r") == "1"
    first, second = plane.captures.lines
    assert (first["variant"], first["predict"]) == ("champion", ["Gentoo"])
    assert (second["variant"], second["version"], second["predict"]) == ("shadow", 2, ["Adelie"])
    assert first["id"] == second["id"]


def plane_flat(intercept: float) -> dict[str, Any]:
    from tests.support.data_plane import LINEAR  # noqa: PLC0415

    return LINEAR | {"intercept": [intercept]}


def test_a_broken_shadow_costs_the_caller_nothing(store: Store, plane: Plane) -> None:
    bad = store.version(2) | {"sha256": "0" * 64}
    store.pointer(store.version(1), shadow=bad, bake_until="2026-11-23T11:30:00.000Z")
    assert served(plane, "r") == "1"
    assert [line["kind"] for line in plane.captures.lines] == ["prediction", "error"]
    assert plane.captures.lines[1]["variant"] == "shadow"
    assert plane.captures.lines[1]["rollout"] == "20261123T113000000Z"


def test_named_versions_answer_when_the_pointer_reaches_them(store: Store, plane: Plane) -> None:
    store.pointer(store.version(3), previous=store.version(2), pins=[store.version(1)])
    for version in ("1", "2", "3"):
        answer = plane.call(PINNED, BODY_OIP, version=version, **P)
        assert (answer.status, answer.headers["x-modelloop-version"]) == (200, version)
    assert [line["variant"] for line in plane.captures.lines] == ["pinned", "pinned", "champion"]
    assert plane.call(PINNED, BODY_OIP, version="4", **P).status == 404
    assert plane.call(PINNED, BODY_OIP, version="²", **P).status == 404
    metadata = plane.json("GET /v2/models/{model}/versions/{version}", version="1", **P)[1]
    assert metadata["parameters"]["version"] == "1"


BODY_OIP = {
    "inputs": [
        {"name": "mass", "shape": [1], "datatype": "FP64", "data": [1.0]},
        {"name": "island", "shape": [1], "datatype": "BYTES", "data": ["Dream"]},
    ]
}


def test_a_rollback_takes_hold(store: Store, plane: Plane) -> None:
    one, two = store.version(1), store.version(2)
    store.pointer(two)
    assert served(plane, "a") == "2"
    store.pointer(one, revision=2)
    assert served(plane, "b") == "1"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.usefixtures("plane")
def test_pointers_are_read_again_past_the_hard_time_to_live_alone(store: Store, clock: Clock) -> None:
    store.pointer(store.version(1))
    pointers = Pointers(Objects("artifacts"), 15, 60, clock)
    assert pointers.get("penguins").pointer.revision == 1
    store.pointer(store.version(1), revision=2)
    clock.now = 59.9
    assert pointers.get("penguins").pointer.revision == 1
    assert pointers.due() == ["penguins"]
    clock.now = 60
    assert pointers.get("penguins").pointer.revision == 2
    assert pointers.due() == []


@pytest.mark.usefixtures("plane")
def test_a_stale_pointer_serves_on_when_it_cannot_be_read(store: Store, clock: Clock) -> None:
    store.pointer(store.version(1))
    pointers = Pointers(Objects("artifacts"), 15, 60, clock)
    pointers.get("penguins")
    for damage in (
        b"{",
        b"[]",
        b"{}",
        b'{"format_version":9}',
        b'{"format_version":1,"model":"other"}',
        b"\xff" * 300_000,
    ):
        store.put(keys.pointer("penguins"), damage)
        clock.now += 100
        known = pointers.get("penguins")
        assert known.pointer.revision == 1
        assert known.fault
    store.pointer(store.version(1), revision=2)
    clock.now += 100
    known = pointers.get("penguins")
    assert (known.pointer.revision, known.fault) == (2, None)


class Broken:
    """Objects whose store is down; counts how often it is asked."""

    asked = 0

    def get_changed(self, key: str, etag: str | None, *, most_bytes: int) -> None:
        self.asked += 1
        raise TransientError(f"{key} {etag} {most_bytes}")


@pytest.mark.usefixtures("plane")
def test_a_store_that_is_down_is_not_asked_at_every_request(store: Store, clock: Clock) -> None:
    store.pointer(store.version(1))
    pointers = Pointers(Objects("artifacts"), 15, 60, clock)
    pointers.get("penguins")
    broken = Broken()
    pointers._objects = broken  # type: ignore[assignment]
    clock.now = 100
    for _ in range(50):
        assert pointers.get("penguins").pointer.revision == 1
    assert broken.asked == 1
    clock.now = 106
    pointers.get("penguins")
    assert broken.asked == 2
    with pytest.raises(NotReadyError):
        pointers.get("walruses")


@pytest.mark.usefixtures("plane")
def test_a_pointer_that_is_gone_is_404(store: Store, clock: Clock) -> None:
    store.pointer(store.version(1))
    pointers = Pointers(Objects("artifacts"), 15, 60, clock)
    pointers.get("penguins")
    store.clear()
    clock.now = 100
    with pytest.raises(NotFoundError):
        pointers.get("penguins")


@pytest.mark.parametrize(
    "file",
    ["versions/walruses/{run}/model.flat.json", "versions/penguins/../walruses/model.flat.json", "prepared/{run}"],
)
def test_a_pointer_never_reaches_outside_its_model(store: Store, plane: Plane, file: str) -> None:
    ref = store.version(1)
    elsewhere = file.format(run=ref["run_id"])
    store.put(elsewhere, store.client.get_object(Bucket="artifacts", Key=ref["file"])["Body"].read())
    store.pointer(ref | {"file": elsewhere})
    assert plane.call(INVOKE, BODY, **P).status == 503
    store.pointer(ref)
    assert plane.call(INVOKE, BODY, **P).status == 200


def test_a_pointer_of_another_model_is_not_taken(store: Store, plane: Plane) -> None:
    store.put(
        keys.pointer("walruses"),
        json.dumps({"format_version": 1, "model": "penguins", "revision": 1, "champion": store.version(1)}).encode(),
    )
    assert plane.call(INVOKE, BODY, model="walruses").status == 503


def test_readiness_says_that_a_pointer_is_stale(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1))
    assert served(plane, "a") == "1"
    store.put(keys.pointer("penguins"), b"{")
    assert served(plane, "b") == "1"
    status, body = plane.json("GET /v2/models/{model}/ready", **P)
    assert (status, body["ready"], body["parameters"]) == (200, True, {"stale": True})


def test_no_request_fails_while_versions_change(store: Store, plane: Plane) -> None:
    one, two = store.version(1), store.version(2)
    pointers: list[dict[str, Any]] = [
        {"champion": one},
        {"champion": one, "challenger": two, "weight": 50},
        {"champion": two, "previous": one},
        {"champion": one, "shadow": two},
        {"champion": one, "previous": two},
    ]
    for turn in range(60):
        changes = dict(pointers[turn % len(pointers)])
        serving = [ref["version"] for ref in (changes["champion"], changes.get("challenger")) if ref]
        store.pointer(changes.pop("champion"), revision=turn + 1, **changes)
        assert int(served(plane, f"request-{turn}")) in serving
