"""Settings, read from the environment once."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

METRICS_NAMESPACE = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Modelloop")  # of the stack: its own name


class Settings(NamedTuple):
    """What a function is told by the template; a function gets only what it needs.

    A tuple, because the data plane makes this class at its cold start: a dataclass this wide takes two milliseconds.
    """

    table: str
    data_bucket: str
    artifacts_bucket: str
    capture_bucket: str
    runs_queue_url: str
    capture_stream: str
    feedback_stream: str
    replay_function: str
    trigger_function: str
    event_bus: str
    label_delay_hours: float
    retention_days: float
    capture_mode: str
    capture_linger: float
    pointer_soft_seconds: float
    pointer_hard_seconds: float
    inference_memory: float
    gb_second_price: float
    million_requests_price: float
    trainer_memory: int
    trainer_storage: int


@cache
def settings() -> Settings:
    """Read every MODELLOOP_ variable of the environment; absent ones are empty or their default."""
    return Settings(
        table=_text("TABLE"),
        data_bucket=_text("DATA_BUCKET"),
        artifacts_bucket=_text("ARTIFACTS_BUCKET"),
        capture_bucket=_text("CAPTURE_BUCKET"),
        runs_queue_url=_text("RUNS_QUEUE_URL"),
        capture_stream=_text("CAPTURE_STREAM"),
        feedback_stream=_text("FEEDBACK_STREAM"),
        replay_function=_text("REPLAY_FUNCTION"),
        trigger_function=_text("TRIGGER_FUNCTION"),
        event_bus=_text("EVENT_BUS"),
        label_delay_hours=float(_text("LABEL_DELAY_HOURS", "24")),
        retention_days=float(_text("RETENTION_DAYS", "90")),
        capture_mode=_text("CAPTURE_MODE", "extension"),
        capture_linger=float(_text("CAPTURE_LINGER", "0")),
        pointer_soft_seconds=float(_text("POINTER_SOFT_SECONDS", "15")),
        pointer_hard_seconds=float(_text("POINTER_HARD_SECONDS", "60")),
        inference_memory=float(_text("INFERENCE_MEMORY", "1024")),
        gb_second_price=float(_text("GB_SECOND_PRICE", "0.0000166667")),
        million_requests_price=float(_text("MILLION_REQUESTS_PRICE", "3.70")),
        trainer_memory=int(_text("TRAINER_MEMORY", "3008")),
        trainer_storage=int(_text("TRAINER_STORAGE", "4096")),
    )


def _text(name: str, default: str = "") -> str:
    return os.environ.get(f"MODELLOOP_{name}", default)
