"""May a version serve? Its record alone decides: what the gate said, and whether somebody approved or withdrew it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.contracts.pointer import VersionRef
from modelloop.contracts.version_facts import KEPT, REJECTED, RETIRED, ROLLED_BACK
from modelloop.errors import ConflictError

if TYPE_CHECKING:
    from modelloop.contracts.version_facts import VersionRecord

WITHDRAWN = (REJECTED, RETIRED)


def is_withdrawn(record: VersionRecord) -> bool:
    """Return whether somebody rejected or retired the version."""
    return record.rejected is not None or record.retired is not None


def is_refused(record: VersionRecord) -> bool:
    """Return whether the gate refused the version; nobody can promote it then."""
    return _decision(record) == "reject"


def is_open(record: VersionRecord) -> bool:
    """Return whether the version waits for somebody's approval."""
    return (_decision(record) == "approve" or record.asked is not None) and record.approved is None


def is_unsure(record: VersionRecord) -> bool:
    """Return whether the gate was unsure of the version, and nobody approved it since."""
    return record.facts.gate is not None and record.facts.gate.unsure and record.approved is None


def is_releasable(record: VersionRecord) -> bool:
    """Return whether the loop may bring the version live by itself.

    One that was rolled back, or whose trial ended undecided, only people may.
    """
    ended = record.rolled_back or (record.kept and record.approved is None)
    return not (is_withdrawn(record) or is_refused(record) or is_open(record) or ended)


def check(record: VersionRecord) -> None:
    """Raise ConflictError, with what to do, when nobody may bring the version live."""
    for name in WITHDRAWN:
        event = record.event(name)
        if event is not None:
            raise ConflictError(
                f"version {record.version} was {name} by {event.who} ({event.why}); train a new one", field="version"
            )
    if is_refused(record):
        reasons = "; ".join(record.facts.gate.reasons) if record.facts.gate else ""
        raise ConflictError(
            f"the gate refused version {record.version}: {reasons or 'see its report'}", field="version"
        )


def ref(record: VersionRecord) -> VersionRef:
    """Return what the serving pointer says of the version; raise ConflictError when it has no serving file."""
    bundle = record.facts.bundle
    if bundle is None:
        raise ConflictError(f"version {record.version} has no serving file; train it again", field="version")
    return VersionRef(record.version, record.run_id, bundle.file, bundle.sha256, bundle.bytes)


def status(record: VersionRecord) -> str:
    """Return the one word that lists show.

    It is retired, rejected, rolled_back, refused, waiting, approved, kept (its trial ended undecided) or cleared.
    """
    for name in (RETIRED, REJECTED, ROLLED_BACK):
        if record.event(name) is not None:
            return name
    if is_refused(record):
        return "refused"
    if is_open(record):
        return "waiting"
    if record.approved is not None:
        return "approved"
    return KEPT if record.kept is not None else "cleared"


def _decision(record: VersionRecord) -> str | None:
    return record.facts.gate.decision if record.facts.gate else None
