"""How new versions go live: the promotion part of model.yaml, with its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Policy:
    """How new versions go live; `canary_percent` of requests for `bake_minutes`; `margin` is the gate's and judge's."""

    policy: str = "auto"
    canary_percent: float = 10.0
    bake_minutes: float = 60.0
    margin: float = 0.01


def policy_from_json(document: Mapping[str, Any] | None) -> Policy:
    """Return the policy of a spec's `promotion`, defaults where it says nothing."""
    known = {name: value for name, value in (document or {}).items() if name in Policy.__slots__ and value is not None}
    return Policy(**known)
