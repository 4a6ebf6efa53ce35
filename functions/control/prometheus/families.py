"""The state of every model as Prometheus text (exposition format 0.0.4), from stored verdicts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from control.prometheus import activity, traffic
from modelloop import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from modelloop.monitoring.cost import Rates

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_COLUMNS = 50
ROLES = ("champion", "challenger", "shadow", "previous")
STATUSES = {
    "drift": ("ok", "drift", "insufficient_data", "data_fault"),
    "quality": ("ok", "degraded", "insufficient_data"),
}


class ModelState(NamedTuple):
    """What is known of one model: its registry item, the newest verdict of each kind (None: none yet), what is paid."""

    item: Mapping[str, Any]
    traffic: Mapping[str, Any] | None = None
    drift: Mapping[str, Any] | None = None
    quality: Mapping[str, Any] | None = None
    activity: Mapping[str, Any] | None = None
    rates: Rates | None = None

    @property
    def name(self) -> str:
        """Return the model's name."""
        return str(self.item["name"])


type Labels = dict[str, str]
type Sample = tuple[str, Labels, float]


class Family(NamedTuple):
    """One metric: its name, type, help line and how its samples (suffix, labels, value) are found.

    `unowned` ones are told of what belongs to no model too, with an empty name.
    """

    name: str
    kind: str
    told: str
    samples: Callable[[ModelState], Iterator[Sample]]
    unowned: bool = False


def render(models: Iterable[ModelState], unowned: Mapping[str, Any] | None = None) -> str:
    """Return the text for a scraper; `unowned` is the traffic that names no model of ours."""
    states = [state if state.item.get("champion") else _retired(state) for state in models]
    nobody = ModelState({"name": ""}, traffic=unowned)
    lines: list[str] = []
    for family in FAMILIES:
        owners = [*states, nobody] if family.unowned else states
        found = [sample for state in owners for sample in family.samples(state)]
        if found:
            lines += [f"# HELP {family.name} {family.told}", f"# TYPE {family.name} {family.kind}"]
            lines += [f"{family.name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in found]
    return "\n".join([*lines, ""])


def _retired(state: ModelState) -> ModelState:
    """Return a model without a champion: what was found of its last one is nobody's any more."""
    return state._replace(drift=None, quality=None)


def _serving(state: ModelState) -> Iterator[Sample]:
    for role in ROLES:
        ref = state.item.get(role)
        if ref:
            yield "", {"model_name": state.name, "role": role}, ref["version"]


def _weight(state: ModelState) -> Iterator[Sample]:
    yield "", {"model_name": state.name}, float(state.item.get("weight") or 0) / 100


def _frozen(state: ModelState) -> Iterator[Sample]:
    yield "", {"model_name": state.name}, float(bool(state.item.get("frozen")))


def _status(kind: str) -> Callable[[ModelState], Iterator[Sample]]:
    def samples(state: ModelState) -> Iterator[Sample]:
        verdict = getattr(state, kind)
        for status in STATUSES[kind] if verdict else ():
            yield "", {"model_name": state.name, "status": status}, float(verdict["status"] == status)

    return samples


def _column(field: str) -> Callable[[ModelState], Iterator[Sample]]:
    def samples(state: ModelState) -> Iterator[Sample]:
        verdict = state.drift or {}
        for column in verdict.get("columns", [])[:MOST_COLUMNS]:
            yield "", {"model_name": state.name, "column": column["name"]}, float(column[field])
        if verdict.get("prediction"):
            yield "", {"model_name": state.name, "column": "(prediction)"}, float(verdict["prediction"][field])

    return samples


def _quality(state: ModelState) -> Iterator[Sample]:
    for one in (state.quality or {}).get("versions", []):
        for metric, figure in sorted(one["metrics"].items()):
            if figure["value"] is not None:
                labels = {"model_name": state.name, "model_version": str(one["version"]), "metric": metric}
                yield "", labels, figure["value"]


def _coverage(state: ModelState) -> Iterator[Sample]:
    coverage = (state.quality or {}).get("coverage")
    if coverage is not None:
        yield "", {"model_name": state.name}, coverage


def _labels_of(state: ModelState) -> Iterator[Sample]:
    for what, count in sorted(((state.quality or {}).get("labels") or {}).items()):
        yield "", {"model_name": state.name, "state": what}, count


def _times(state: ModelState) -> Iterator[Sample]:
    for kind in ("traffic", "drift", "quality"):
        verdict = getattr(state, kind)
        if verdict:
            yield "", {"model_name": state.name, "kind": kind}, clock.to_ms(verdict["updated_at"]) / 1_000


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
    Family("modelloop_drift_status", "gauge", "1 for the status of the newest drift verdict.", _status("drift")),
    Family("modelloop_drift_distance", "gauge", "Jensen-Shannon distance to the training part.", _column("distance")),
    Family("modelloop_drift_threshold", "gauge", "Distance from which a column counts.", _column("threshold")),
    Family("modelloop_quality_status", "gauge", "1 for the status of the newest quality verdict.", _status("quality")),
    Family("modelloop_quality", "gauge", "Realised quality on labelled rows.", _quality),
    Family("modelloop_label_coverage_ratio", "gauge", "Share of the predicted rows that have labels.", _coverage),
    Family("modelloop_labels", "gauge", "Labels in the newest quality verdict, by what became of them.", _labels_of),
    Family("modelloop_verdict_timestamp_seconds", "gauge", "When a verdict was reached, in Unix time.", _times),
)


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
