"""Runs in the registry's table: each exists once by its key, is started once, and ends once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelloop import clock
from modelloop.aws.registry.table import ConditionFailedError, Page, Table
from modelloop.errors import ConflictError, NotFoundError
from modelloop.ids import uuid7_ms
from modelloop.versions.run import ENDED, FAILED, QUEUED, RUNNING, SUPERSEDED, Run, run_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelloop.aws.registry.table import Item

PAGE = 20
_KEYS = ("pk", "sk")
_NOT_ENDED = "attribute_exists(#pk) AND NOT (#state IN (:ended0, :ended1, :ended2, :ended3))"
_ENDED_VALUES = {f"ended{position}": state for position, state in enumerate(sorted(ENDED))}


class RunRecords:
    """The registry's part that holds runs, and what all its parts share."""

    def __init__(self, table_name: str, now: Callable[[], str] = clock.now) -> None:
        self._table = Table(table_name)
        self._now = now

    def create_run(self, run: Run) -> Run:
        """Store a run unless its key is taken; return the one that owns the key, `created` telling which.

        A run that failed loses its key to a later one: what it failed of may have been mended.
        """
        self._create_model(run.model)
        owner = {"pk": model_key(run.model), "sk": f"RUNKEY#{run.key}", "run_id": run.run_id}
        if not self._table.put_new(owner):
            run = replace(run, run_id=self._owner(run))
        run = replace(run, updated_at=self._now(), created=True)
        if self._table.put_new(run.to_json() | {"pk": model_key(run.model), "sk": f"RUN#{run.run_id}"}):
            return run
        return replace(self.get_run(run.model, run.run_id), created=False)

    def _owner(self, run: Run) -> str:
        place = (model_key(run.model), f"RUNKEY#{run.key}")
        owner = str((self._table.get(*place) or {"run_id": run.run_id})["run_id"])
        known = self._table.get(place[0], f"RUN#{owner}")
        if known is None or known["state"] != FAILED or (uuid7_ms(run.run_id) or 0) <= (uuid7_ms(owner) or 0):
            return owner
        try:
            self._table.update(*place, {"run_id": run.run_id}, "#run_id = :failed", {"failed": owner})
        except ConditionFailedError as failed:
            return str((failed.item or {"run_id": owner})["run_id"])
        return run.run_id

    def get_run(self, model: str, run_id: str) -> Run:
        """Return a run; raise NotFoundError when there is none."""
        return run_from_json(self._find(model, f"RUN#{run_id}", f"run {run_id[:80]!r} of model {model!r}"))

    def list_runs(self, model: str, limit: int = PAGE, next: str | None = None) -> Page:  # noqa: A002  the API's word
        """Return a page of runs, newest first."""
        page = self._newest(model, "RUN#", limit, next)
        return Page([run_from_json(item) for item in page.items], page.next)

    def update_run(self, model: str, run_id: str, **facts: Any) -> Run:
        """Set facts of a run that has not ended; raise ConflictError when it has."""
        facts["updated_at"] = self._now()
        try:
            item = self._update_unended(model, run_id, facts)
        except ConditionFailedError as failed:
            raise _run_failure(model, run_id, failed) from failed
        return run_from_json(item)

    def start_run(self, model: str, run_id: str, lease_seconds: float) -> bool:
        """Take a queued run for this long; False when it is not queued (any more)."""
        now = self._now()
        facts = {"state": RUNNING, "lease_until": clock.later(now, seconds=lease_seconds), "updated_at": now}
        try:
            self._table.update(model_key(model), f"RUN#{run_id}", facts, "#state = :queued", {"queued": QUEUED})
        except ConditionFailedError as failed:
            if failed.item is None:
                raise _run_failure(model, run_id, failed) from failed
            return False
        return True

    def finish_run(self, model: str, run_id: str, state: str, reason: str | None = None, **facts: Any) -> bool:
        """End a run; False when it had ended before, and nothing changes then."""
        facts |= {"state": state, "reason": reason, "updated_at": self._now(), "lease_until": None}
        try:
            self._update_unended(model, run_id, facts)
        except ConditionFailedError as failed:
            if failed.item is None:
                raise _run_failure(model, run_id, failed) from failed
            return False
        return True

    def supersede_run(self, model: str, run_id: str, reason: str) -> bool:
        """End a run that still waits in the queue; False when it is not queued (any more), and nothing changes then."""
        facts = {"state": SUPERSEDED, "reason": reason, "updated_at": self._now()}
        try:
            self._table.update(model_key(model), f"RUN#{run_id}", facts, "#state = :queued", {"queued": QUEUED})
        except ConditionFailedError:
            return False
        return True

    def _update_unended(self, model: str, run_id: str, facts: Mapping[str, Any]) -> Item:
        return self._table.update(model_key(model), f"RUN#{run_id}", facts, _NOT_ENDED, _ENDED_VALUES)

    def _create_model(self, model: str) -> None:
        now = self._now()
        born = {"pk": "MODELS", "sk": model_key(model), "name": model, "created_at": now, "updated_at": now}
        if self._table.get("MODELS", model_key(model)) is None:
            self._table.put_new(born)

    def _find(self, model: str, sort_key: str, what: str) -> Item:
        item = self._table.get(model_key(model), sort_key)
        if item is None:
            raise NotFoundError(f"there is no {what}")
        return shown(item)

    def _newest(self, model: str, prefix: str, limit: int, start: str | None) -> Page:
        page = self._table.page(model_key(model), prefix, limit=limit, start=start, newest_first=True)
        return Page([shown(item) for item in page.items], page.next)


def model_key(model: str) -> str:
    return f"MODEL#{model}"


def shown(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in _KEYS}


def _run_failure(model: str, run_id: str, failed: ConditionFailedError) -> ConflictError | NotFoundError:
    if failed.item is None:
        return NotFoundError(f"there is no run {run_id[:80]!r} of model {model!r}")
    return ConflictError(f"run {run_id} has ended as {failed.item['state']}")
