"""What may change of a run: one frozen record, which the registry stores."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

from modelloop.versions.run import attribute

if TYPE_CHECKING:
    from modelloop.json_types import JsonValue
    from modelloop.versions.gate import GateDecision
    from modelloop.versions.run import Dataset, Metrics, Plan, Spent


class _Kept(Enum):
    KEPT = "kept"

    def __repr__(self) -> str:
        return self.name


KEPT: Final = _Kept.KEPT  # the value of a field that stays as it is; None is another one, which clears the field

Value = TypeVar("Value")
New: TypeAlias = "Value | Literal[_Kept.KEPT]"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """New values of some fields of a run, with the meaning that they have in `Run`; every other field is KEPT.

    What a run is made of (its id, cause, spec and request) never changes.
    """

    state: New[str] = KEPT
    stage: New[str] = KEPT
    percent: New[int] = KEPT
    reason: New[str | None] = KEPT
    lease_until: New[str | None] = KEPT
    dataset: New[Dataset] = KEPT
    plan: New[Plan] = KEPT
    spent: New[Spent] = KEPT
    metrics: New[Metrics] = KEPT
    gate: New[GateDecision] = KEPT
    version: New[int] = KEPT
    task_reason: New[str] = KEPT
    warnings: New[list[str]] = KEPT
    intake_attempts: New[int] = KEPT
    attempts: New[int] = KEPT
    decided_at: New[str] = KEPT

    def to_json(self) -> dict[str, JsonValue]:
        """Return the attributes that are stored anew, and no other."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: attribute(value) for name, value in values.items() if value is not KEPT}


NO_CHANGE = RunChange()
