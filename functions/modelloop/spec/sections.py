"""The sections of a model.yaml with their defaults: how to search, go live, monitor and retrain.

A stored spec has every default spelled out, so that a later change of a default changes no version that exists.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Setting = str | float | bool

MARGIN = 0.01
MIN_LABELS = 200  # labelled rows that a verdict on quality and a retraining by the loop need


@dataclass(frozen=True, slots=True)
class Search:
    """How many candidates to try, for how many seconds, and whether to blend; None leaves it to the trainer.

    The trainer blends the models that it has fitted where they answer better together, unless `blend` is False.
    """

    trials: int | None = None
    seconds: float | None = None
    blend: bool | None = None

    @property
    def is_asked(self) -> bool:
        """Return whether the spec asks for a search at all."""
        return self.trials is not None or self.seconds is not None


@dataclass(frozen=True, slots=True)
class Promotion:
    """How a version goes live: `policy` is auto, manual or shadow.

    A challenger gets `canary_percent` of the requests for `bake_minutes`. `margin` is the share of the champion's loss
    by which gate and judge let a version be worse.
    """

    policy: str = "auto"
    canary_percent: float = 10
    bake_minutes: float = 60
    margin: float = MARGIN


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What is captured and judged: percent of the requests, rows that a verdict needs, hours that labels may take.

    Without `label_delay_hours` the stack's setting holds.
    """

    capture_percent: float = 100
    min_rows: int = 500
    label_delay_hours: float | None = None


@dataclass(frozen=True, slots=True)
class Retraining:
    """When the loop trains again by itself: on drift or not, hours between two retrainings, how many in a day."""

    on_drift: bool = True
    cooldown_hours: float = 24
    max_per_day: int = 1


Section = TypeVar("Section", Search, Promotion, Monitoring, Retraining)


def section_from_json(kind: type[Section], document: Mapping[str, Any] | None) -> Section:
    """Return a section with the settings of a stored or written document, and defaults where it has none."""
    given = document or {}
    values = {entry.name: given[entry.name] for entry in fields(kind) if given.get(entry.name) is not None}
    return kind(**values)


def section_to_json(section: Search | Promotion | Monitoring | Retraining) -> dict[str, Setting]:
    """Return the settings of a section by name; one that has no default and was not given is left out."""
    return {name: value for name, value in asdict(section).items() if value is not None}
