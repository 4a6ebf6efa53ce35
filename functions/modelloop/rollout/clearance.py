"""May a version serve? Facts alone answer: what the gate decided, and whether somebody approved or withdrew it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.contracts.pointer import VersionRef
from modelloop.errors import ConflictError
from modelloop.spec.sections import Promotion, section_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    Facts = Mapping[str, Any]


WITHDRAWN = ("rejected", "retired")


def is_withdrawn(facts: Facts) -> bool:
    """Say whether somebody rejected or retired the version."""
    return any(facts.get(fact) for fact in WITHDRAWN)


def is_refused(facts: Facts) -> bool:
    """Say whether the gate refused the version; nobody can promote it then."""
    return _decision(facts) == "reject"


def is_open(facts: Facts) -> bool:
    """Say whether the version waits for somebody's approval."""
    return _decision(facts) == "approve" and not facts.get("approved")


def is_releasable(facts: Facts) -> bool:
    """Say whether the loop may bring the version live by itself; one that was rolled back, only people may."""
    return not (is_withdrawn(facts) or is_refused(facts) or is_open(facts) or facts.get("rolled_back"))


def check(facts: Facts) -> None:
    """Raise ConflictError, with what to do, when no person's wish may bring the version live."""
    version = facts["version"]
    for fact in WITHDRAWN:
        if facts.get(fact):
            said = facts[fact]
            raise ConflictError(
                f"version {version} was {fact} by {said.get('who')} ({said.get('why')}); train a new one",
                field="version",
            )
    if is_refused(facts):
        reasons = "; ".join(map(str, (facts.get("gate") or {}).get("reasons") or ())) or "see its report"
        raise ConflictError(f"the gate refused version {version}: {reasons}", field="version")


def ref(facts: Facts) -> VersionRef:
    """Return what the serving pointer says of the version; raise ConflictError when it has no serving file."""
    bundle = facts.get("bundle")
    if not bundle:
        raise ConflictError(f"version {facts['version']} has no serving file; train it again", field="version")
    return VersionRef(facts["version"], facts["run_id"], bundle["file"], bundle["sha256"], bundle["bytes"])


def policy(facts: Facts) -> Promotion:
    """Return how the version's spec wants it to go live."""
    return section_from_json(Promotion, facts.get("promotion"))


def status(facts: Facts) -> str:
    """Return the one word that lists show: retired, rejected, rolled_back, refused, waiting, approved or cleared."""
    for fact in ("retired", "rejected", "rolled_back"):
        if facts.get(fact):
            return fact
    if is_refused(facts):
        return "refused"
    if is_open(facts):
        return "waiting"
    return "approved" if facts.get("approved") else "cleared"


def _decision(facts: Facts) -> str | None:
    return (facts.get("gate") or {}).get("decision")
