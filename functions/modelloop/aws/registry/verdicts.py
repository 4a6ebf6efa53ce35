"""Verdicts with their history, and loop state, of which only the newest is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from modelloop import clock
from modelloop.aws.registry.models import ModelRecords
from modelloop.aws.registry.records import PAGE, model_key
from modelloop.aws.registry.table import ConditionFailedError, Page
from modelloop.contracts.loop_state import ActivityTotals, AlertsSent, RetrainState, RolloutIntent, TrafficTotals
from modelloop.contracts.model_record import VerdictInShort
from modelloop.contracts.quality_verdict import QualityVerdict
from modelloop.contracts.verdicts import DriftVerdict, RolloutVerdict

if TYPE_CHECKING:
    from modelloop.contracts.loop_state import LoopState
    from modelloop.json_types import JsonObject, JsonValue

Verdict: TypeAlias = DriftVerdict | QualityVerdict | RolloutVerdict
HISTORY_SECONDS = 90 * 24 * 3_600
V = TypeVar("V", DriftVerdict, QualityVerdict, RolloutVerdict)
S = TypeVar("S", TrafficTotals, ActivityTotals, AlertsSent, RetrainState, RolloutIntent)


class VerdictRecords(ModelRecords):
    """The registry's part that holds what monitoring concluded and remembers."""

    def put_verdict(self, verdict: Verdict) -> None:
        """Store a verdict; its `updated_at` is its place in the history, and only a newer one becomes the latest.

        The history is kept for 90 days (the table deletes what `expires_at` says), the latest one for good.
        """
        at, partition = verdict.updated_at, model_key(verdict.model)
        item: dict[str, JsonValue] = {"at": at, "document": verdict.to_json()}
        expires_at = clock.to_ms(at) // 1_000 + HISTORY_SECONDS
        self._table.put_new({"pk": partition, "sk": f"VERDICT#{verdict.KIND}#{at}", "expires_at": expires_at, **item})
        if self._put_newest(verdict.model, f"LATEST#{verdict.KIND}", item) and not isinstance(verdict, RolloutVerdict):
            self._project_verdict(verdict.model, verdict.KIND, _in_short(verdict))

    def latest_verdict(self, kind: type[V], model: str) -> V | None:
        """Return the newest verdict of a kind, or None."""
        item = self._table.get(model_key(model), f"LATEST#{kind.KIND}")
        return None if item is None else kind.from_json(item["document"])

    def list_verdicts(self, kind: type[V], model: str, limit: int = PAGE, next: str | None = None) -> Page[V]:  # noqa: A002
        """Return a page of the verdicts of a kind, newest first."""
        prefix = f"VERDICT#{kind.KIND}#"
        return self._newest(model, prefix, limit, next, lambda item: kind.from_json(item["document"]))

    def put_state(self, state: LoopState) -> None:
        """Store loop state over an older one of its kind; an older one than what is there changes nothing."""
        self._put_newest(state.model, f"STATE#{state.KIND}", {"at": state.updated_at, "document": state.to_json()})

    def get_state(self, kind: type[S], model: str) -> S | None:
        """Return the loop state of a kind, or None."""
        item = self._table.get(model_key(model), f"STATE#{kind.KIND}")
        return None if item is None else kind.from_json(item["document"])

    def _put_newest(self, model: str, sort_key: str, item: JsonObject) -> bool:
        """Store an item unless a newer one is there (`at`); True when it was stored."""
        try:
            self._table.update(model_key(model), sort_key, item, "attribute_not_exists(#at) OR #at <= :at")
        except ConditionFailedError:
            return False
        return True


def _in_short(verdict: DriftVerdict | QualityVerdict) -> VerdictInShort:
    drifted = verdict.drifted_columns if isinstance(verdict, DriftVerdict) else 0
    return VerdictInShort(verdict.status, verdict.version, verdict.rows, drifted, verdict.updated_at)
