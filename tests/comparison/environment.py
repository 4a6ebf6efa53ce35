"""What the template gives its functions, under names that every machine has alike, and what is seen of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

REGION = "eu-central-1"
TABLE = "loop-table"
DATA, ARTIFACTS, CAPTURE = "loop-data", "loop-artifacts", "loop-capture"
STREAMS = {"captures": "captures", "feedback": "feedback"}  # prefix in the bucket, name of the stream
WHO = "arn:aws:iam::123456789012:user/tester"
SECONDS_A_STEP = 20.0  # longer than pointers are trusted without a look

TRIGGER, TRAINER, REPLAY = "training_trigger.handler.handler", "trainer.handler.handler", "inference.replay.handler"
INFERENCE, CONTROL = "inference.handler.handler", "control.handler.handler"
AGGREGATION, VERDICTS = "metrics_aggregation.handler.handler", "metrics_aggregation.verdicts.handler"
NAMED = {"training-trigger": TRIGGER, "replay": REPLAY}
MEMORY_MB = {TRIGGER: 3008, TRAINER: 3008, AGGREGATION: 2048, REPLAY: 1769}

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "000000000000",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_XRAY_SDK_ENABLED": "false",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
    "POWERTOOLS_METRICS_NAMESPACE": "Modelloop",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "MODELLOOP_TABLE": TABLE,
    "MODELLOOP_DATA_BUCKET": DATA,
    "MODELLOOP_ARTIFACTS_BUCKET": ARTIFACTS,
    "MODELLOOP_CAPTURE_BUCKET": CAPTURE,
    "MODELLOOP_RUNS_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/000000000000/runs.fifo",
    "MODELLOOP_CAPTURE_STREAM": STREAMS["captures"],
    "MODELLOOP_FEEDBACK_STREAM": STREAMS["feedback"],
    "MODELLOOP_REPLAY_FUNCTION": "replay",
    "MODELLOOP_TRIGGER_FUNCTION": "training-trigger",
    "MODELLOOP_EVENT_BUS": "loop",
    "MODELLOOP_CAPTURE_MODE": "before",
    "MODELLOOP_CAPTURE_LINGER": "0",
    "MODELLOOP_POINTER_SOFT_SECONDS": "15",
    "MODELLOOP_POINTER_HARD_SECONDS": "60",
    "MODELLOOP_LABEL_DELAY_HOURS": "24",
    "MODELLOOP_INFERENCE_MEMORY": "1024",
    "MODELLOOP_GB_SECOND_PRICE": "0.0000166667",
    "MODELLOOP_MILLION_REQUESTS_PRICE": "3.70",
    "MODELLOOP_TRAINER_MEMORY": "3008",
    "MODELLOOP_TRAINER_STORAGE": "4096",
}  # what the template gives, the embedded stack's way of capturing, and names that every machine has alike

# When the recording was made the validation part chose, and nothing was fitted again on it. So it still is with large
# tables, and by these limits every table is one: otherwise each number of each model would be another, and all that is
# compared here of answers, captures and verdicts would have to be let pass.
LIMITS = {"trainer.search.crossing": {"MAX_ROWS": 0}, "trainer.search.refitting": {"MAX_ROWS": 0}}


@dataclass(frozen=True, slots=True)
class Context:
    """As much of the Lambda context as functions read."""

    function_name: str
    memory_limit_in_mb: int
    aws_request_id: str = "invocation"
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:123456789012:function:loop"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: `body` as it travels after API Gateway decoded it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def prediction_id(self) -> str:
        return self.headers["x-modelloop-prediction-id"]


@dataclass
class Journal:
    """What was seen from outside, step by step: each name is a kind of what is recorded."""

    answers: dict[str, Answer] = field(default_factory=dict)
    captures: dict[str, list[bytes]] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    messages: dict[str, list[str]] = field(default_factory=dict)
