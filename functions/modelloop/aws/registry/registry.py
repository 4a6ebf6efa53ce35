"""The registry: what people and the judge ask about models, runs, versions, verdicts and past actions.

One table, keys `pk` and `sk`; every request path is a get or a query of one partition, never a scan:

| pk        | sk                    | holds                                        | read for                        |
|-----------|-----------------------|----------------------------------------------|---------------------------------|
| MODELS    | MODEL#<model>         | name, dates, projections                     | list of models, one model       |
| MODEL#<m> | RUN#<run id>          | a run; ids rise with time                    | runs, newest first; one run     |
| MODEL#<m> | RUNKEY#<digest>       | the run id that owns dataset, spec and cause | creation: a run exists once     |
| MODEL#<m> | VERSION#<8 digits>    | facts: gate, approval, rejection, retirement | versions, newest first; one     |
| MODEL#<m> | RUNVERSION#<run id>   | the version number bound to a run            | registration: bound once        |
| MODEL#<m> | COUNTER               | the last version number given out            | registration                    |
| MODEL#<m> | AUDIT#<id>            | who did what, when, why; ids rise with time  | audit log, newest first         |
| MODEL#<m> | SEQ#<digest of key>   | the newest S3 sequencer of an object key     | intake: older events are stale  |
| MODEL#<m> | VERDICT#<kind>#<time> | a verdict                                    | history, newest first           |
| MODEL#<m> | LATEST#<kind>         | the newest verdict of its kind               | drift, quality, judge           |

Facts live here and roles in the serving pointer alone; the pointer's fields on a model are a copy that
`project_pointer` refreshes and never moves backwards. So are the newest verdicts in short, which `put_verdict` copies.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from modelloop import clock
from modelloop.aws.registry.runs import PAGE, RunRecords, model_key, shown
from modelloop.aws.registry.table import ConditionFailedError, Page
from modelloop.errors import ConflictError, NotFoundError
from modelloop.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.aws.registry.table import Item
    from modelloop.contracts.pointer import Pointer

HISTORY_SECONDS = 90 * 24 * 3_600
PROJECTED = frozenset({"drift", "quality"})
_SEQUENCER_DIGITS = 64


class Registry(RunRecords):
    """Runs, versions, models, verdicts and the audit log in one table; every write is safe to repeat."""

    def advance_sequencer(self, model: str, object_key: str, sequencer: str) -> bool:
        """Remember an event's S3 sequencer for its key; False when a newer event was seen before."""
        sort_key = f"SEQ#{sha256(object_key.encode()).hexdigest()}"
        newest = sequencer.lower().ljust(_SEQUENCER_DIGITS, "0")
        try:
            self._table.update(
                model_key(model),
                sort_key,
                {"sequencer": newest, "object_key": object_key},
                "attribute_not_exists(#sequencer) OR #sequencer <= :sequencer",
            )
        except ConditionFailedError:
            return False
        return True

    # Versions

    def reserve_version(self, model: str, run_id: str) -> int:
        """Return the version number bound to a run, binding the next one at the first call."""
        bound = self._table.get(model_key(model), f"RUNVERSION#{run_id}")
        if bound is None:
            number = self._table.count(model_key(model), "COUNTER")
            bound = {"pk": model_key(model), "sk": f"RUNVERSION#{run_id}", "version": number}
            if not self._table.put_new(bound):
                return self.reserve_version(model, run_id)
        return int(bound["version"])

    def register_version(self, model: str, run_id: str, facts: Mapping[str, Any]) -> int:
        """Store a version's facts under its number; repeating it changes nothing. Return the number."""
        number = self.reserve_version(model, run_id)
        item = {"model": model, "version": number, "run_id": run_id, "created_at": self._now(), **facts}
        self._table.put_new({**item, "pk": model_key(model), "sk": _version(number)})
        return number

    def get_version(self, model: str, version: int) -> Item:
        """Return a version's facts; raise NotFoundError when there is none."""
        return self._find(model, _version(version), f"version {version} of model {model!r}")

    def list_versions(self, model: str, limit: int = PAGE, next: str | None = None) -> Page:  # noqa: A002
        """Return a page of version facts, newest first."""
        return self._newest(model, "VERSION#", limit, next)

    def update_version(
        self,
        model: str,
        version: int,
        facts: Mapping[str, Any],
        *,
        unless: tuple[str, ...] = (),
        seen: str | None = None,
    ) -> Item:
        """Set facts of a version and mark it touched.

        Raises ConflictError when it has one of the `unless` facts, or when `seen` is given and is not the mark that the
        version was read with (see `mark`): somebody else touched it in between.
        """
        rules = ["attribute_exists(#pk)", *(f"attribute_not_exists(#{name})" for name in unless)]
        if seen is not None:
            rules.append("#touched = :seen" if seen else "attribute_not_exists(#touched)")
        touched = {**facts, "touched": uuid7()}
        values = {"seen": seen} if seen else {}
        try:
            return shown(self._table.update(model_key(model), _version(version), touched, " AND ".join(rules), values))
        except ConditionFailedError as failed:
            raise _version_failure(model, version, unless, failed) from failed

    # Models

    def list_models(self, limit: int = PAGE, next: str | None = None) -> Page:  # noqa: A002  the API's word
        """Return a page of models by name."""
        page = self._table.page("MODELS", "MODEL#", limit=limit, start=next)
        return Page([shown(item) for item in page.items], page.next)

    def get_model(self, model: str) -> Item:
        """Return a model and its projection of the pointer; raise NotFoundError when there is none."""
        item = self._table.get("MODELS", model_key(model))
        if item is None:
            raise NotFoundError(f"there is no model {model[:80]!r}", field="model")
        return shown(item)

    def project_pointer(self, pointer: Pointer) -> bool:
        """Copy the serving pointer onto its model, unless a newer revision is there; True when it was copied."""
        copy = {name: value for name, value in pointer.to_json().items() if name not in {"model", "format_version"}}
        born = {"name": pointer.model, "created_at": self._now()}
        older = "attribute_not_exists(#revision) OR #revision < :revision"
        try:
            self._table.update("MODELS", model_key(pointer.model), copy, older, defaults=born)
        except ConditionFailedError:
            return False
        return True

    # Audit log

    def record_audit(
        self, model: str, action: str, who: str, why: str, detail: Mapping[str, Any] | None = None, *,
        audit_id: str | None = None, time: str | None = None,
    ) -> str:  # fmt: skip
        """Append to the audit log; the same `audit_id` (a UUIDv7) is written once. Return the id."""
        audit_id = audit_id or uuid7()
        entry = {"id": audit_id, "time": time or self._now(), "action": action, "who": who, "why": why}
        self._table.put_new({"pk": model_key(model), "sk": f"AUDIT#{audit_id}", **entry, "detail": dict(detail or {})})
        return audit_id

    def list_audit(self, model: str, limit: int = PAGE, next: str | None = None) -> Page:  # noqa: A002
        """Return a page of the audit log, newest first."""
        return self._newest(model, "AUDIT#", limit, next)

    # Verdicts

    def put_verdict(self, model: str, kind: str, document: Mapping[str, Any]) -> None:
        """Store a verdict; its `updated_at` is its place in the history, and only a newer one becomes the latest.

        The history is kept for 90 days (the table deletes what `expires_at` says), the latest one for good.
        """
        at = str(document.get("updated_at") or self._now())
        verdict = {"at": at, "document": dict(document)}
        expires_at = clock.to_ms(at) // 1_000 + HISTORY_SECONDS
        self._table.put_new({"pk": model_key(model), "sk": f"VERDICT#{kind}#{at}", "expires_at": expires_at, **verdict})
        try:
            newer = "attribute_not_exists(#at) OR #at <= :at"
            self._table.update(model_key(model), f"LATEST#{kind}", verdict, newer)
        except ConditionFailedError:
            return
        if kind in PROJECTED:
            self._project_verdict(model, kind, at, document)

    def _project_verdict(self, model: str, kind: str, at: str, document: Mapping[str, Any]) -> None:
        """Copy a verdict in short onto its model, for the list of models, unless a newer one is there."""
        facts = {kind: _in_short(document) | {"updated_at": at}, f"{kind}_at": at}
        newer = f"attribute_exists(#pk) AND (attribute_not_exists(#{kind}_at) OR #{kind}_at <= :{kind}_at)"
        with suppress(ConditionFailedError):
            self._table.update("MODELS", model_key(model), facts, newer)

    def latest_verdict(self, model: str, kind: str) -> dict[str, Any] | None:
        """Return the newest verdict of a kind, or None."""
        item = self._table.get(model_key(model), f"LATEST#{kind}")
        return None if item is None else dict(item["document"])

    def list_verdicts(self, model: str, kind: str, limit: int = PAGE, next: str | None = None) -> Page:  # noqa: A002
        """Return a page of the verdicts of a kind, newest first."""
        page = self._newest(model, f"VERDICT#{kind}#", limit, next)
        return Page([item["document"] for item in page.items], page.next)


def mark(version: Item) -> str:
    """Return what `update_version(seen=…)` compares: changes whenever anybody touches the version."""
    return str(version.get("touched", ""))


def _in_short(verdict: Mapping[str, Any]) -> dict[str, Any]:
    columns = [one for one in verdict.get("columns") or () if one.get("drifted") and not one.get("informational")]
    return {name: verdict.get(name) for name in ("status", "version", "rows")} | {"drifted": len(columns)}


def _version(number: int) -> str:
    return f"VERSION#{number:08d}"


def _version_failure(
    model: str, version: int, unless: tuple[str, ...], failed: ConditionFailedError
) -> ConflictError | NotFoundError:
    if failed.item is None:
        return NotFoundError(f"there is no version {version} of model {model!r}")
    for name in unless:
        if name in failed.item:
            return ConflictError(f"version {version} of model {model!r} was {name.removesuffix('_at')} meanwhile")
    return ConflictError(f"version {version} of model {model!r} was changed meanwhile; look again and repeat")
