"""The schema of the events that leave the loop, held against what is sent."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

from modelloop_stack.build.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_FILE = ROOT / "infra" / "observability" / "events.schema.json"


@cache
def schema() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SCHEMA_FILE.read_text())
    Draft202012Validator.check_schema(document)
    return document


def faults(event: Mapping[str, Any]) -> list[str]:
    """Say what of an event is not as the schema has it; nothing when all of it is."""
    event = {name: event[name] for name in ("source", "detail-type", "detail") if name in event}
    return [error.message for error in Draft202012Validator(schema()).iter_errors(event)]


def check(event: Mapping[str, Any]) -> None:
    """Fail when an event is not as the schema has it."""
    assert faults(event) == [], event
