"""The state of every model as Prometheus text (exposition format 0.0.4), from stored verdicts alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from control.prometheus import activity, traffic
from modelloop import clock
from modelloop.contracts.model_record import ModelRecord
from modelloop.contracts.pointer import ROLES
from modelloop.contracts.verdicts import DEGRADED, DRIFT, FAULT, INSUFFICIENT, OK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from modelloop.contracts.loop_state import ActivityTotals, TrafficTotals
    from modelloop.contracts.quality_verdict import QualityVerdict
    from modelloop.contracts.verdicts import ColumnDrift, DriftVerdict
    from modelloop.monitoring.cost import Rates

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_COLUMNS = 50
DRIFT_STATUSES = (OK, DRIFT, INSUFFICIENT, FAULT)
QUALITY_STATUSES = (OK, DEGRADED, INSUFFICIENT)

type LabelSet = dict[str, str]
type MetricSample = tuple[str, LabelSet, float]


class ModelState(NamedTuple):
    """What is known of one model: its record, newest verdicts and loop state (None: none yet), and what is paid."""

    model: ModelRecord
    traffic: TrafficTotals | None = None
    drift: DriftVerdict | None = None
    quality: QualityVerdict | None = None
    activity: ActivityTotals | None = None
    rates: Rates | None = None

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self.model.name


class Family(NamedTuple):
    """One metric: its name, type, help line and the function that yields its samples (suffix, labels, value).

    `unowned` ones have samples of what belongs to no model too, with an empty name.
    """

    name: str
    kind: str
    help: str
    samples: Callable[[ModelState], Iterator[MetricSample]]
    unowned: bool = False


def render(models: Iterable[ModelState], unowned: TrafficTotals | None = None) -> str:
    """Return the text for a scraper; `unowned` is the traffic that names no known model."""
    states = [state if state.model.serving and state.model.serving.champion else _retired(state) for state in models]
    unowned_state = ModelState(ModelRecord("", ""), traffic=unowned)
    lines: list[str] = []
    for family in FAMILIES:
        owners = [*states, unowned_state] if family.unowned else states
        samples = [sample for state in owners for sample in family.samples(state)]
        if samples:
            lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
            lines += [f"{family.name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in samples]
    return "\n".join([*lines, ""])


def _retired(state: ModelState) -> ModelState:
    """Return a model without a champion: the verdicts on its last one no longer apply."""
    return state._replace(drift=None, quality=None)


def _serving(state: ModelState) -> Iterator[MetricSample]:
    for role in ROLES:
        ref = getattr(state.model.serving, role, None)
        if ref is not None:
            yield "", {"model_name": state.name, "role": role}, ref.version


def _weight(state: ModelState) -> Iterator[MetricSample]:
    weight = state.model.serving.weight if state.model.serving else 0.0
    yield "", {"model_name": state.name}, float(weight) / 100


def _frozen(state: ModelState) -> Iterator[MetricSample]:
    yield "", {"model_name": state.name}, float(state.model.serving is not None and state.model.serving.frozen)


def _drift_status(state: ModelState) -> Iterator[MetricSample]:
    if state.drift:
        for status in DRIFT_STATUSES:
            yield "", {"model_name": state.name, "status": status}, float(state.drift.status == status)


def _quality_status(state: ModelState) -> Iterator[MetricSample]:
    if state.quality:
        for status in QUALITY_STATUSES:
            yield "", {"model_name": state.name, "status": status}, float(state.quality.status == status)


def _column(figure: Callable[[ColumnDrift], float]) -> Callable[[ModelState], Iterator[MetricSample]]:
    def samples(state: ModelState) -> Iterator[MetricSample]:
        if state.drift is None:
            return
        for column in state.drift.columns[:MAX_COLUMNS]:
            yield "", {"model_name": state.name, "column": column.name}, float(figure(column))
        if state.drift.prediction:
            labels = {"model_name": state.name, "column": "(prediction)"}
            yield "", labels, float(figure(state.drift.prediction))

    return samples


def _joint(state: ModelState) -> Iterator[MetricSample]:
    if state.drift and state.drift.joint:
        for outcome, pairs in (("tested", state.drift.joint.tested), ("changed", state.drift.joint.found)):
            yield "", {"model_name": state.name, "state": outcome}, pairs


def _quality(state: ModelState) -> Iterator[MetricSample]:
    for version in state.quality.versions if state.quality else ():
        for metric, figure in sorted(version.metrics.items()):
            if figure.value is not None:
                labels = {"model_name": state.name, "model_version": str(version.version), "metric": metric}
                yield "", labels, figure.value


def _coverage(state: ModelState) -> Iterator[MetricSample]:
    if state.quality and state.quality.coverage is not None:
        yield "", {"model_name": state.name}, state.quality.coverage


def _label_counts(state: ModelState) -> Iterator[MetricSample]:
    if state.quality:
        for outcome, count in sorted(asdict(state.quality.labels).items()):
            yield "", {"model_name": state.name, "state": outcome}, count


def _times(state: ModelState) -> Iterator[MetricSample]:
    for kind, stored in (("traffic", state.traffic), ("drift", state.drift), ("quality", state.quality)):
        if stored:
            yield "", {"model_name": state.name, "kind": kind}, clock.to_ms(stored.updated_at) / 1_000


FAMILIES = (
    Family("modelloop_serving_version", "gauge", "Number of the version that holds a role.", _serving),
    Family("modelloop_challenger_weight_ratio", "gauge", "Share of requests that the challenger answers.", _weight),
    Family("modelloop_frozen", "gauge", "1 while nothing may change by itself.", _frozen),
    Family(
        "model_infer_request_success_total",
        "counter",
        "Requests that a caller got an answer to.",
        traffic.counted(traffic.answers, "requests"),
    ),
    Family(
        "model_infer_request_failure_total",
        "counter",
        "Requests that were refused or failed.",
        traffic.failures(traffic.asked),
    ),
    Family(
        "modelloop_rows_total", "counter", "Rows that a caller got predicted.", traffic.counted(traffic.answers, "rows")
    ),
    Family(
        "modelloop_request_duration_seconds",
        "histogram",
        "Time in the function of warm requests.",
        traffic.durations(traffic.answers),
    ),
    Family(
        "modelloop_shadow_answers_total",
        "counter",
        "Answers of a shadow, which no caller got.",
        traffic.counted(traffic.shadows, "requests"),
    ),
    Family(
        "modelloop_shadow_failures_total",
        "counter",
        "Requests that a shadow could not answer.",
        traffic.failures(traffic.shadows),
    ),
    Family(
        "modelloop_shadow_duration_seconds",
        "histogram",
        "Time of a shadow's warm answers.",
        traffic.durations(traffic.shadows),
    ),
    Family("modelloop_busy_seconds_total", "counter", "Time that environments were busy for a version.", traffic.busy),
    Family("modelloop_cost_total", "counter", "Cost of busy time and requests, at the stack's prices.", traffic.costs),
    Family(
        "modelloop_cost_per_thousand_predictions",
        "gauge",
        "Cost of 1,000 answers that callers got.",
        traffic.cost_per_thousand,
    ),
    Family("modelloop_runs_ended_total", "counter", "Runs that ended, by cause and state.", activity.runs_ended),
    Family("modelloop_runs_open", "gauge", "Runs that wait or are under way.", activity.runs_open),
    Family("modelloop_retrainings_total", "counter", "Retrainings that the loop started.", activity.retrainings),
    Family(
        "modelloop_retraining_timestamp_seconds",
        "gauge",
        "When the loop last started a retraining, in Unix time; 0: never.",
        activity.retrained_at,
    ),
    Family("modelloop_rollouts_judged_total", "counter", "Changes of what serves by the judge.", activity.judged),
    Family(
        "modelloop_quarantined_lines_total",
        "counter",
        "Captured lines that could not be read, by reason; without a model when they name none of ours.",
        traffic.quarantined,
        unowned=True,
    ),
    Family("modelloop_drift_status", "gauge", "1 for the status of the newest drift verdict.", _drift_status),
    Family(
        "modelloop_drift_distance",
        "gauge",
        "Jensen-Shannon distance to the training part.",
        _column(lambda column: column.distance),
    ),
    Family(
        "modelloop_drift_threshold",
        "gauge",
        "Distance from which a column counts.",
        _column(lambda column: column.threshold),
    ),
    Family(
        "modelloop_drift_pairs",
        "gauge",
        "Pairs of columns that were tested for a joint change in the newest drift verdict, and those that changed.",
        _joint,
    ),
    Family("modelloop_quality_status", "gauge", "1 for the status of the newest quality verdict.", _quality_status),
    Family("modelloop_quality", "gauge", "Realised quality on labelled rows.", _quality),
    Family("modelloop_label_coverage_ratio", "gauge", "Share of the predicted rows that have labels.", _coverage),
    Family("modelloop_labels", "gauge", "Labels in the newest quality verdict, by what became of them.", _label_counts),
    Family("modelloop_verdict_timestamp_seconds", "gauge", "When a verdict was reached, in Unix time.", _times),
)


def _labels(labels: LabelSet) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
