"""What the facts of a version allow: the gate's word, a person's word, and the words that lists show."""

from __future__ import annotations

from typing import Any

import pytest

from modelloop.contracts.pointer import VersionRef
from modelloop.contracts.version_facts import (
    GateFacts,
    ServingFile,
    VersionEvent,
    VersionFacts,
    VersionRecord,
    version_facts_from_json,
)
from modelloop.errors import ConflictError
from modelloop.rollout import clearance
from modelloop.spec.sections import Promotion

SAID = VersionEvent("2026-01-01T00:00:00.000Z", "ann", "because")


def facts(gate: str | None = None, reasons: tuple[str, ...] = (), **events: Any) -> VersionRecord:
    known = VersionFacts(gate=GateFacts(gate, reasons) if gate else None)
    return VersionRecord("m", 7, "run7", SAID.at, known, **events)


@pytest.mark.parametrize(
    ("given", "status", "releasable"),
    [
        (facts("release"), "cleared", True),
        (facts(), "cleared", True),
        (facts("approve"), "waiting", False),
        (facts("approve", approved=SAID), "approved", True),
        (facts("reject"), "refused", False),
        (facts("reject", approved=SAID), "refused", False),
        (facts("release", rejected=SAID), "rejected", False),
        (facts("release", retired=SAID), "retired", False),
        (facts("release", rolled_back=SAID), "rolled_back", False),
        (facts("approve", approved=SAID, rejected=SAID), "rejected", False),
        (facts("release", rejected=SAID, retired=SAID), "retired", False),
    ],
)
def test_a_version_is_one_thing_and_the_loop_releases_what_nothing_speaks_against(
    given: VersionRecord, status: str, releasable: bool
) -> None:
    assert clearance.status(given) == status
    assert clearance.is_releasable(given) is releasable
    assert clearance.is_open(given) is (status == "waiting")
    assert clearance.is_refused(given) is (status == "refused")
    assert clearance.is_withdrawn(given) is (status in {"rejected", "retired"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (facts("release", rejected=SAID), r"version 7 was rejected by ann \(because\); train a new one"),
        (facts("release", retired=SAID), r"version 7 was retired by ann \(because\); train a new one"),
        (facts("reject", ("one", "two")), "refused version 7: one; two$"),
        (facts("reject"), "the gate refused version 7: see its report"),
    ],
)
def test_nobody_can_promote_what_was_withdrawn_or_refused(given: VersionRecord, words: str) -> None:
    with pytest.raises(ConflictError, match=words):
        clearance.check(given)


@pytest.mark.parametrize("given", [facts("release"), facts("approve"), facts("release", rolled_back=SAID)])
def test_a_person_can_promote_what_waits_or_was_rolled_back(given: VersionRecord) -> None:
    clearance.check(given)


def test_a_version_is_served_from_its_file() -> None:
    known = VersionFacts(bundle=ServingFile("f", "00", 1), gate=GateFacts("release"))
    given = VersionRecord("m", 7, "run7", SAID.at, known)
    assert clearance.ref(given) == VersionRef(7, "run7", "f", "00", 1)
    with pytest.raises(ConflictError, match="no serving file; train it again"):
        clearance.ref(facts("release"))


def test_a_policy_has_defaults_for_what_the_spec_does_not_say() -> None:
    stored = {"promotion": {"policy": "shadow", "canary_percent": 5}}
    assert version_facts_from_json(stored).promotion == Promotion("shadow", canary_percent=5)
    assert version_facts_from_json({}).promotion == Promotion()
