"""The template's functions: their handlers, layers and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.template.resources import Resources

if TYPE_CHECKING:
    pass

HANDLERS = {
    "InferenceFunction": ("inference.handler.handler", ["RuntimeLayer", "ServingLayer"]),
    "ReplayFunction": ("inference.replay.handler", ["RuntimeLayer", "ServingLayer"]),
    "TrainingTriggerFunction": ("training_trigger.handler.handler", ["RuntimeLayer", "DataLayer"]),
    "TrainerFunction": ("trainer.handler.handler", ["RuntimeLayer", "TrainingLayer"]),
    "MetricsAggregationFunction": ("metrics_aggregation.handler.handler", ["RuntimeLayer", "DataLayer"]),
    "VerdictFunction": ("metrics_aggregation.verdicts.handler", ["RuntimeLayer", "DataLayer"]),
    "ControlFunction": ("control.handler.handler", ["RuntimeLayer"]),
}


def variables(resources: Resources, function: str) -> dict[str, Any]:
    found: dict[str, Any] = resources[function]["Properties"]["Environment"]["Variables"]
    return found
