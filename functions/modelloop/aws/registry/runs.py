"""Runs: each exists once by its key, is started once, and ends once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.aws.registry.models import ModelRecords
from modelloop.aws.registry.records import PAGE, model_key
from modelloop.aws.registry.table import ConditionFailedError, Page
from modelloop.errors import ConflictError, NotFoundError
from modelloop.ids import uuid7_ms
from modelloop.versions.run import ENDED, FAILED, QUEUED, RUNNING, SUPERSEDED, Run, run_from_json
from modelloop.versions.run_change import NO_CHANGE, RunChange

if TYPE_CHECKING:
    from modelloop.aws.registry.table import Item
    from modelloop.json_types import JsonObject, JsonValue

_NOT_ENDED = "attribute_exists(#pk) AND NOT (#state IN (:ended0, :ended1, :ended2, :ended3))"
_ENDED_VALUES = {f"ended{position}": state for position, state in enumerate(sorted(ENDED))}


class RunRecords(ModelRecords):
    """The registry's part that holds runs; the first run of a model makes the model."""

    def create_run(self, run: Run) -> Run:
        """Store a run unless its key is taken; return the one that owns the key, `created` telling which.

        A run that failed loses its key to a later one: the reason of the failure may be gone.
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
        owning_run = self._table.get(place[0], f"RUN#{owner}")
        if owning_run is None or owning_run["state"] != FAILED or (uuid7_ms(run.run_id) or 0) <= (uuid7_ms(owner) or 0):
            return owner
        try:
            self._table.update(*place, {"run_id": run.run_id}, "#run_id = :failed", {"failed": owner})
        except ConditionFailedError as failed:
            return str((failed.item or {"run_id": owner})["run_id"])
        return run.run_id

    def get_run(self, model: str, run_id: str) -> Run:
        """Return a run; raise NotFoundError when there is none."""
        return run_from_json(self._find(model, f"RUN#{run_id}", f"run {run_id[:80]!r} of model {model!r}"))

    def list_runs(self, model: str, limit: int = PAGE, next: str | None = None) -> Page[Run]:  # noqa: A002  the API's word
        """Return a page of runs, newest first."""
        return self._newest(model, "RUN#", limit, next, run_from_json)

    def update_run(self, model: str, run_id: str, change: RunChange) -> Run:
        """Change a run that has not ended; raise ConflictError when it has."""
        try:
            item = self._update_unended(model, run_id, self._facts(change))
        except ConditionFailedError as failed:
            raise _run_failure(model, run_id, failed) from failed
        return run_from_json(item)

    def start_run(self, model: str, run_id: str, lease_seconds: float) -> bool:
        """Take a queued run for this long; False when it is not queued (any more)."""
        change = RunChange(state=RUNNING, lease_until=clock.later(self._now(), seconds=lease_seconds))
        facts = self._facts(change)
        try:
            self._table.update(model_key(model), f"RUN#{run_id}", facts, "#state = :queued", {"queued": QUEUED})
        except ConditionFailedError as failed:
            if failed.item is None:
                raise _run_failure(model, run_id, failed) from failed
            return False
        return True

    def finish_run(
        self, model: str, run_id: str, state: str, reason: str | None = None, change: RunChange = NO_CHANGE
    ) -> bool:
        """End a run, with what else changes; False when it had ended before, and nothing changes then."""
        ended = replace(change, state=state, reason=reason, lease_until=None)
        try:
            self._update_unended(model, run_id, self._facts(ended))
        except ConditionFailedError as failed:
            if failed.item is None:
                raise _run_failure(model, run_id, failed) from failed
            return False
        return True

    def supersede_run(self, model: str, run_id: str, reason: str) -> bool:
        """End a run that still waits in the queue; False when it is not queued (any more), and nothing changes then."""
        facts = self._facts(RunChange(state=SUPERSEDED, reason=reason))
        try:
            self._table.update(model_key(model), f"RUN#{run_id}", facts, "#state = :queued", {"queued": QUEUED})
        except ConditionFailedError:
            return False
        return True

    def _facts(self, change: RunChange) -> dict[str, JsonValue]:
        """Return the attributes that a change stores, with its moment."""
        return {**change.to_json(), "updated_at": self._now()}

    def _update_unended(self, model: str, run_id: str, facts: JsonObject) -> Item:
        return self._table.update(model_key(model), f"RUN#{run_id}", facts, _NOT_ENDED, _ENDED_VALUES)


def _run_failure(model: str, run_id: str, failed: ConditionFailedError) -> ConflictError | NotFoundError:
    if failed.item is None:
        return NotFoundError(f"there is no run {run_id[:80]!r} of model {model!r}")
    return ConflictError(f"run {run_id} has ended as {failed.item['state']}")
