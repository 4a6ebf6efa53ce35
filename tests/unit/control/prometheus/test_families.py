from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from control.prometheus import families
from control.prometheus.families import ModelState
from control.prometheus.traffic import FAILURES
from modelloop.captures import quarantine
from modelloop.contracts.counts import branch
from modelloop.contracts.loop_state import TrafficTotals
from modelloop.contracts.model_record import ModelRecord
from modelloop.contracts.quality_verdict import Figure, LabelCounts, VersionQuality
from modelloop.contracts.verdicts import JointDrift
from modelloop.errors import ArtifactRefusedError, ConflictError, ModelloopError, RequestError, TransientError
from modelloop.monitoring import summary, traffic
from modelloop.monitoring.summary import Summary, SummaryKey
from modelloop_stack.build.paths import ROOT
from tests.support import verdicts
from tests.support.versions import serving

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts

RULES = (ROOT / "infra" / "observability" / "alerts.yml").read_text()
NOW = "2026-11-23T12:10:00.000Z"
COUNTS = [0] * (len(summary.LATENCY_BOUNDS_MS) + 1)


def arrived(hour: str, requests: int, version: int = 3, variant: str = "champion") -> Summary:
    warm: Counts = {"counts": [requests, *COUNTS[1:]], "micros": requests * 50}
    counts: Counts = {
        "requests": requests,
        "rows": 2 * requests,
        "errors": {"X": 1},
        "latency": {"warm": warm},
        "columns": {"a": 1},
    }
    return Summary(SummaryKey("m", hour, version, variant), counts)


def model(**roles: Any) -> ModelRecord:
    return ModelRecord("m", NOW, serving=serving(**roles) if roles else None)


def state() -> ModelState:
    column = verdicts.column('odd "name"\\\n', 0.25)
    figures = {"accuracy": Figure(0.9, None, None), "f1": Figure(None, None, None)}
    return ModelState(
        model(champion=3, weight=10),
        traffic.totals(
            None,
            [arrived("2026-11-23T11", 5), arrived("2026-11-23T11", 1, 0), arrived("2026-11-23T11", 1, 3, "shadow")],
            model="m",
            now=NOW,
        ),
        verdicts.drift(
            NOW, "drift", columns=(column,), prediction=replace(column, name="prediction"), joint=JointDrift(78, 2)
        ),
        verdicts.quality(NOW, coverage=0.5, versions=(VersionQuality(3, 0, 0, None, 0, figures),)),
    )


def test_the_text_is_what_a_scraper_reads() -> None:
    text = families.render([state()])

    assert 'modelloop_serving_version{model_name="m",role="champion"} 3\n' in text
    assert 'model_infer_request_success_total{model_name="m",model_version="3"} 5\n' in text
    assert 'model_infer_request_failure_total{model_name="m",model_version="",error_code="X"} 1\n' in text
    assert 'modelloop_request_duration_seconds_bucket{model_name="m",model_version="3",le="+Inf"} 5\n' in text
    assert 'modelloop_request_duration_seconds_bucket{model_name="m",model_version="3",le="0.0001"} 5\n' in text
    assert 'modelloop_request_duration_seconds_sum{model_name="m",model_version="3"} 0.00025\n' in text
    assert 'modelloop_drift_distance{model_name="m",column="odd \\"name\\"\\\\\\n"} 0.25\n' in text
    assert 'modelloop_drift_status{model_name="m",status="drift"} 1\n' in text
    assert 'modelloop_drift_pairs{model_name="m",state="tested"} 78\n' in text
    assert 'modelloop_drift_pairs{model_name="m",state="changed"} 2\n' in text
    assert 'modelloop_challenger_weight_ratio{model_name="m"} 0.1\n' in text
    assert "f1" not in text


def test_what_a_shadow_did_is_no_request_of_a_caller() -> None:
    hour = "2026-11-23T11"
    found = [arrived(hour, 5), arrived(hour, 2, variant="shadow"), arrived(hour, 7, 4, "shadow")]
    text = families.render([ModelState(model(), traffic.totals(None, found, model="m", now=NOW))])

    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    three, four = ('{model_name="m",model_version="' + version + '"}' for version in "34")
    for name, value in {
        "model_infer_request_success_total": "5",
        "modelloop_rows_total": "10",
        "modelloop_request_duration_seconds_count": "5",
    }.items():
        assert (samples[name + three], name + four in samples) == (value, False)
    assert (samples["modelloop_shadow_answers_total" + three], samples["modelloop_shadow_answers_total" + four]) == (
        "2", "7",
    )  # fmt: skip
    assert samples["modelloop_shadow_duration_seconds_count" + four] == "7"
    failed = [name for name in samples if "_failure" in name and 'error_code="X"' in name]
    assert failed == [
        'model_infer_request_failure_total{model_name="m",model_version="3",error_code="X"}',
        'modelloop_shadow_failures_total{model_name="m",model_version="3",error_code="X"}',
        'modelloop_shadow_failures_total{model_name="m",model_version="4",error_code="X"}',
    ]


def test_totals_of_before_shadows_stood_apart_go_on() -> None:
    old = TrafficTotals("m", "2026-11-23T09", {"3": {"requests": 4}}, {"3": {"requests": 4}}, NOW)
    found = traffic.totals(old, [arrived("2026-11-23T10", 2, variant="shadow")], model="m", now=NOW)
    version = branch(found.versions, "3")
    assert (version["requests"], branch(version, "shadow")["requests"]) == (4, 2)


def test_every_line_is_a_comment_or_a_sample_of_an_announced_family() -> None:
    announced = ""
    for line in families.render([state(), state()._replace(model=ModelRecord("other", NOW))]).splitlines():
        if line.startswith("#"):
            announced = line.split()[2]
        else:
            assert re.fullmatch(r'[a-z_]+\{([a-z_]+="([^"\\]|\\["\\n])*",?)+\} [0-9.e+-]+', line), line
            assert line.startswith(announced)


def test_failures_are_zero_before_the_first_one_and_not_absent() -> None:
    known = ModelState(model(champion=3, challenger=4, shadow=5))
    zeros = [line for line in families.render([known]).splitlines() if "_failure_total{" in line]
    assert {re.findall('model_version="(.*?)"', line)[0] for line in zeros} == {"", "3", "4"}
    ours = re.findall(r'error_code=~"([A-Z_|]+)"', RULES)[0].split("|")
    assert set(ours) < set(FAILURES)
    assert all(line.endswith(" 0") for line in zeros)
    assert len(zeros) == 3 * len(FAILURES)
    assert 'model_infer_request_success_total{model_name="m",model_version="4"} 0' in families.render([known])


def test_every_code_that_a_request_can_end_with_is_known() -> None:
    mendable: list[type[ModelloopError]] = [RequestError, *RequestError.__subclasses__()]
    ours: list[type[ModelloopError]] = [ModelloopError, TransientError, ArtifactRefusedError]
    assert {error.code for error in ours + mendable} - {ConflictError.code} == set(FAILURES)


def test_a_retired_model_has_no_verdict_any_more() -> None:
    retired = state()._replace(model=model(frozen=True))
    text = families.render([retired])
    assert "model_infer_request_success_total{" in text
    assert not re.search("modelloop_(drift|quality|label)", text)
    assert 'kind="traffic"' in text
    assert 'kind="drift"' not in text
    assert 'modelloop_drift_status{model_name="m",status="drift"} 1' in families.render([state()])


def samples(text: str) -> dict[str, float]:
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_before_the_first_model_only_lines_of_nobody_are_told_and_there_are_none() -> None:
    told = samples(families.render([]))

    assert set(told) == {put_aside("", reason) for reason in quarantine.Kind}
    assert not any(told.values())


def put_aside(model: str, reason: str) -> str:
    return f'modelloop_quarantined_lines_total{{model_name="{model}",reason="{reason}"}}'


def test_lines_that_were_put_aside_are_told_by_reason_and_are_no_requests() -> None:
    lines = Summary(SummaryKey("m", "2026-11-23T11", 0, "none"), {quarantine.COUNTED: {"not_json": 4}})
    found = [arrived("2026-11-23T11", 5), lines]
    counted = traffic.totals(None, found, model="m", now=NOW)
    nobodys = traffic.totals(None, [lines], model="_", now=NOW)

    told = samples(families.render([ModelState(model(), counted)], nobodys))

    assert (told[put_aside("m", "not_json")], told[put_aside("m", "malformed")]) == (4, 0)
    assert told[put_aside("", "not_json")] == 4
    assert told['model_infer_request_success_total{model_name="m",model_version="3"}'] == 5
    assert 'model_infer_request_success_total{model_name="m",model_version=""}' not in told
    unmet = 'model_infer_request_failure_total{model_name="m",model_version="",error_code="INTERNAL_ERROR"}'
    assert told[unmet] == 0


def test_labels_are_told_by_what_became_of_them() -> None:
    quality = verdicts.quality(NOW, labels=LabelCounts(received=9, repeated=0, pending=0, unknown=2))

    told = samples(families.render([ModelState(model(champion=1), quality=quality)]))

    assert told['modelloop_labels{model_name="m",state="unknown"}'] == 2
    assert "modelloop_weight" not in families.render([ModelState(model())])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_no_complaint() -> None:
    text = families.render([state()])
    subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=True)


def test_totals_only_rise_while_hours_close() -> None:
    hours = [f"2026-11-23T{hour:02d}" for hour in range(6, 20)]
    previous: TrafficTotals | None = None
    seen = []
    for now in range(8, 18):
        moment = f"2026-11-23T{now:02d}:30:00.000Z"
        begin = traffic.first_open_hour(previous, moment)
        stored = [arrived(hour, 10) for hour in hours if begin <= hour <= moment[:13]]
        previous = traffic.totals(previous, stored, model="m", now=moment)
        again = traffic.totals(
            previous, [one for one in stored if one.key.hour > previous.through], model="m", now=moment
        )
        assert again.versions == previous.versions
        seen.append(branch(previous.versions, "3")["requests"])
    assert seen == list(range(30, 130, 10))


def test_a_clock_that_goes_back_folds_no_hour_twice() -> None:
    later, earlier = "2026-11-23T15:30:00.000Z", "2026-11-23T12:30:00.000Z"
    hours = [arrived("2026-11-23T12", 10), arrived("2026-11-23T13", 10)]
    folded = traffic.totals(None, hours, model="m", now=later)
    again = traffic.totals(folded, [], model="m", now=earlier)
    assert (again.through, traffic.first_open_hour(again, later)) == ("2026-11-23T13", "2026-11-23T14")
    assert again.versions == folded.versions


def test_fifty_columns_are_told_and_the_predictions() -> None:
    columns = tuple(verdicts.column(f"x{at}", 0.25) for at in range(60))
    drift = verdicts.drift(NOW, columns=columns, prediction=replace(columns[0], name="prediction"))
    text = families.render([ModelState(model(champion=3), drift=drift)])
    told = re.findall(r'modelloop_drift_distance\{model_name="m",column="([^"]+)"\}', text)
    assert told == [*(f"x{at}" for at in range(50)), "(prediction)"]
