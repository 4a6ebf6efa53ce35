from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests  # type: ignore[import-untyped]  # the client that moto listens to

from control import handler as module
from modelloop import clock, keys
from modelloop.aws import clients
from modelloop.aws.registry import manifests
from modelloop.aws.settings import settings
from modelloop.aws.storage import Bucket
from modelloop.contracts.index_entry import IndexEntry, SourceObject
from modelloop.contracts.manifest_parts import Predecessor
from modelloop.errors import TransientError
from modelloop.ids import erasure_digest, uuid7
from modelloop.monitoring import activity, summary, windows
from modelloop.monitoring.summary import Summary, SummaryKey
from modelloop.versions.run import Dataset, Metrics, Run, SourceFile
from tests.support import verdicts
from tests.support.manifests import manifest_of
from tests.support.runs import dataset
from tests.support.versions import ref, version_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.aws.registry.registry import Registry
    from modelloop.contracts.http_request import HttpAnswer

ANN = "arn:aws:iam::123456789012:user/ann"


class Answer:
    def __init__(self, answer: HttpAnswer) -> None:
        self.status = answer["statusCode"]
        self.headers = answer["headers"]
        self.text: str = answer["body"]

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


def call(method: str, resource: str, body: object = None, query: dict[str, str] | None = None, **path: str) -> Answer:
    event = {
        "resource": resource,
        "httpMethod": method,
        "pathParameters": path or None,
        "queryStringParameters": query,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {"requestId": "request-1", "identity": {"userArn": ANN}},
    }
    return Answer(module.handler(event, None))


def get(resource: str, query: dict[str, str] | None = None, /, **path: Any) -> Answer:
    return call("GET", resource, query=query, **path)


def act(action: str, body: object, model: str = "m") -> Answer:
    return call("POST", f"/models/{{model}}/{action}", body, model=model)


@pytest.fixture(autouse=True)
def _fresh_process(registry: Registry) -> Iterator[None]:  # noqa: ARG001  every request needs the stores
    module._services.cache_clear()
    manifests.read.cache_clear()
    manifests.read.cache_clear()
    yield
    module._services.cache_clear()


@pytest.fixture
def loop(registry: Registry) -> Registry:
    """A model with two versions, the second one waiting for approval, and a run each."""
    for number, decision in ((1, "release"), (2, "approve")):
        run = registry.create_run(Run("m", uuid7(number), "upload", dataset(str(number), 9), "s", clock.now()))
        file = keys.version("m", run.run_id, keys.BUNDLE)
        registry.register_version("m", run.run_id, version_facts(decision, file, family="linear"))
        store_manifest(run.run_id, version=number, metrics=Metrics({"n": {"value": 1}}, {}, None))
    return registry


def test_models_are_listed_with_what_serves(loop: Registry) -> None:
    loop.create_run(Run("other", uuid7(), "upload", dataset(), "s", clock.now()))
    act("promote", {"version": 1, "reason": "first"})
    first = get("/models", {"limit": "1"})
    assert [(one["name"], one["champion"], one["who"]) for one in first["models"]] == [("m", 1, ANN)]
    second = get("/models", {"limit": "1", "next": first["next"]})
    assert [(one["name"], one["champion"]) for one in second["models"]] == [("other", None)]
    assert get("/models")["next"] is None
    one = get("/models/{model}", model="m")
    assert (one["champion"], one["judge"]) == (1, None)
    loop.put_verdict(verdicts.rollout(clock.now(), ("canary", "hold")))
    assert get("/models/{model}", model="m")["judge"]["judged"][0]["action"] == "hold"
    assert one["serving"]["champion"]["file"].endswith("model.flat.json")


def test_the_list_says_how_each_model_fares(loop: Registry) -> None:
    run = loop.create_run(Run("other", uuid7(), "upload", dataset(), "s", clock.now()))
    loop.start_run("other", run.run_id, 60)
    stamp = clock.now()
    loop.put_verdict(verdicts.drift(stamp, "drift"))

    one, other = get("/models")["models"]

    assert one["drift"] == {"status": "drift", "version": 1, "rows": 5, "drifted": 0, "updated_at": stamp}
    assert (one["quality"], one["run"]["state"], other["drift"]) == (None, "QUEUED", None)
    assert {name: other["run"][name] for name in ("run_id", "state", "cause")} == {
        "run_id": run.run_id, "state": "RUNNING", "cause": "upload",
    }  # fmt: skip
    assert get("/models/{model}", model="other")["run"] == other["run"]
    assert get("/models/{model}", model="m")["drift"] == one["drift"]


def test_roles_come_from_the_pointer_and_not_from_the_table(loop: Registry) -> None:
    act("promote", {"version": 1, "reason": "first"})
    loop._table.update("MODELS", "MODEL#m", {"champion": asdict(ref(9))})
    assert get("/models/{model}", model="m")["champion"] == 1
    assert [one["role"] for one in get("/models/{model}/versions", model="m")["versions"]] == [None, "champion"]


@pytest.mark.usefixtures("loop")
def test_versions_are_listed_with_role_and_standing() -> None:
    act("promote", {"version": 1, "reason": "first"})
    listed = get("/models/{model}/versions", model="m")["versions"]
    assert [(one["version"], one["role"], one["status"]) for one in listed] == [
        (2, None, "waiting"), (1, "champion", "cleared"),
    ]  # fmt: skip
    assert "touched" not in listed[1]
    manifest = get("/models/{model}/versions/{version}", model="m", version="1")
    assert (manifest["role"], manifest["family"]) == ("champion", "linear")
    assert manifest["metrics"]["holdout"] == {"n": {"value": 1}}


def test_a_report_is_a_link_that_opens_it(loop: Registry) -> None:
    path = {"model": "m", "version": "1"}
    assert get("/models/{model}/versions/{version}/report", **path).status == 404
    run_id = loop.get_version("m", 1).run_id
    Bucket("artifacts").put(keys.version("m", run_id, keys.REPORT), b"<html>")
    answer = get("/models/{model}/versions/{version}/report", **path)
    asked = parse_qs(urlsplit(answer["url"]).query)
    assert asked["response-content-type"] == ["text/html; charset=utf-8"]
    assert asked["X-Amz-Expires"] == [str(answer["expires_in"])] == ["900"]
    assert requests.get(answer["url"], timeout=5).text == "<html>"


def test_runs_are_shown(loop: Registry) -> None:
    listed = get("/models/{model}/runs", model="m")["runs"]
    assert [run["dataset"]["digest"] for run in listed] == ["2", "1"]
    one = get("/models/{model}/runs/{run}", model="m", run=listed[0]["run_id"])
    assert listed[0] == loop.get_run("m", listed[0]["run_id"]).to_json()
    assert one.body == listed[0] | {"report": None}


def test_a_run_that_ended_without_a_version_links_to_its_report(loop: Registry) -> None:
    run_id = loop.list_runs("m").items[0].run_id
    key = keys.version("m", run_id, keys.REPORT)
    loop.finish_run("m", run_id, "REJECTED", "the gate refused this model")
    assert get("/models/{model}/runs/{run}", model="m", run=run_id)["report"] is None
    Bucket("artifacts").put(key, b"<html>")
    assert requests.get(get("/models/{model}/runs/{run}", model="m", run=run_id)["report"], timeout=5).text == "<html>"


def test_verdicts_are_shown_when_there_are_some(loop: Registry) -> None:
    for verdict in (verdicts.drift(clock.now()), verdicts.quality(clock.now())):
        kind = verdict.KIND
        assert get(f"/models/{{model}}/{kind}", model="m")["status"] == "insufficient_data"
        loop.put_verdict(verdict)
        assert get(f"/models/{{model}}/{kind}", model="m")["rows"] == 5


@pytest.mark.usefixtures("loop")
def test_a_summary_covers_the_hours_asked_for() -> None:
    for hour, rows in (("2026-01-01T00", 1), ("2026-01-01T01", 2), ("2026-01-01T02", 4)):
        found = Summary(SummaryKey("m", hour, 1, "champion"), {"requests": 1, "rows": rows})
        Bucket("artifacts").put(keys.summary("m", hour, 1, "champion", "", hour), summary.to_bytes(found))
    query = {"from": "2026-01-01T01:10:00Z", "to": "2026-01-01T02:00:00Z"}
    answer = get("/models/{model}/summary", query, model="m")
    assert (answer["rows"], answer["predictions"]) == (6, 2)
    assert (answer["from"], answer["to"]) == ("2026-01-01T01:00:00.000Z", "2026-01-01T03:00:00.000Z")
    assert "hours" not in answer.body
    by_hour = get("/models/{model}/summary", query | {"hours": "1"}, model="m")["hours"]
    assert [(one["from"], one["rows"]) for one in by_hour] == [
        ("2026-01-01T01:00:00.000Z", 2), ("2026-01-01T02:00:00.000Z", 4),
    ]  # fmt: skip
    last_day = get("/models/{model}/summary", model="m")
    assert last_day["rows"] == 0
    assert windows.span(clock.hour_of(last_day["from"]), clock.hour_of(last_day["to"])) == 25


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"from": "0001-01-01T00:00:00Z"},
    ],
)
@pytest.mark.usefixtures("loop")
def test_a_span_that_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    answer = get("/models/{model}/summary", query, model="m")
    assert (answer.status, answer["field"]) == (422, "from")


@pytest.mark.usefixtures("loop")
def test_a_change_is_recorded_with_who_and_why() -> None:
    done = act("promote", {"version": 2, "reason": "  the slices look right "})
    assert (done.status, done["serving"]["champion"]["version"]) == (200, 2)
    (entry,) = get("/models/{model}/audit", model="m")["audit"]
    assert (entry["action"], entry["who"], entry["why"]) == ("promote", ANN, "the slices look right")
    assert entry["detail"]["version"] == 2


@pytest.mark.usefixtures("loop")
def test_every_action_has_its_route() -> None:
    act("promote", {"version": 1, "reason": "go"})
    for action, body in (
        ("approve", {"version": 2}), ("promote", {}), ("rollback", {}), ("shadow", {"version": 2}),
        ("shadow", {"version": 2, "on": False}), ("pin", {"version": 2}), ("pin", {"version": 2, "on": False}),
        ("freeze", {}), ("freeze", {"on": False}), ("reject", {"version": 2}), ("retire", {"version": 2}),
        ("retire", {}),
    ):  # fmt: skip
        answer = act(action, {**body, "reason": action})
        assert (action, answer.status) == (action, 200), answer.body
    assert get("/models/{model}", model="m")["champion"] is None


@pytest.mark.parametrize(
    ("action", "body", "status", "field"),
    [
        ("promote", {"version": 1}, 422, "reason"),
        ("promote", {"version": 1, "reason": " "}, 422, "reason"),
        ("promote", {"version": 1, "reason": "x" * 1_001}, 422, "reason"),
        ("promote", {"version": "1", "reason": "x"}, 422, "version"),
        ("promote", {"version": 0, "reason": "x"}, 422, "version"),
        ("promote", {"version": True, "reason": "x"}, 422, "version"),
        ("approve", {"reason": "x"}, 422, "version"),
        ("freeze", {"on": "no", "reason": "x"}, 422, "on"),
        ("freeze", {"version": 2, "reason": "x"}, 422, "version"),
        ("promote", {"version": 1, "on": False, "reason": "x"}, 422, "on"),
        ("retire", {"versoin": 1, "reason": "x"}, 422, "versoin"),
        ("runs", {"version": 1, "reason": "x"}, 422, "version"),
        ("promote", {"version": 3, "reason": "x"}, 404, None),
        ("promote", {"reason": "x"}, 409, "version"),
        ("rollback", {"reason": "x"}, 409, "model"),
        ("promote", "{", 400, None),
        ("promote", [], 400, None),
        ("promote", " " * 70_000, 413, None),
    ],
)
@pytest.mark.usefixtures("loop")
def test_a_request_that_cannot_be_followed_says_what_to_do(
    action: str, body: object, status: int, field: str | None
) -> None:
    answer = act(action, body)
    assert (answer.status, answer["field"]) == (status, field), answer.body
    assert answer.body.keys() == {"error", "error_code", "message", "field", "row"}


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("/models/{model}", {"model": "none"}),
        ("/models/{model}", {"model": "../x"}),
        ("/models/{model}/versions", {"model": "none"}),
        ("/models/{model}/runs", {"model": "none"}),
        ("/models/{model}/audit", {"model": "none"}),
        ("/models/{model}/drift", {"model": "none"}),
        ("/models/{model}/summary", {"model": "none"}),
        ("/models/{model}/runs/{run}", {"model": "m", "run": "x"}),
        ("/models/{model}/versions/{version}", {"model": "m", "version": "7"}),
        ("/models/{model}/versions/{version}", {"model": "m", "version": "-1"}),
        ("/models/{model}/versions/{version}", {"model": "m", "version": "²"}),
        ("/models/{model}/versions/{version}", {"model": "m", "version": "9" * 5_000}),
        ("/nowhere", {}),
    ],
)
@pytest.mark.usefixtures("loop")
def test_what_does_not_exist_is_404(resource: str, path: dict[str, str]) -> None:
    assert get(resource, **path).status == 404


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"limit": "9" * 5_000}])
def test_a_page_has_bounds(query: dict[str, str]) -> None:
    answer = get("/models", query)
    assert (answer.status, answer["field"]) == (422, "limit")
    assert get("/models", {"next": "?"}).status == 400


class Trigger:
    """The lambda service, as far as the control plane speaks to it."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803  boto3's names
        assert (FunctionName, InvocationType) == ("trigger", "Event")
        self.events.append(json.loads(Payload))


@pytest.mark.usefixtures("loop")
def test_a_run_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = Trigger()
    real = clients.client
    monkeypatch.setenv("MODELLOOP_TRIGGER_FUNCTION", "trigger")
    settings.cache_clear()
    module._services.cache_clear()
    monkeypatch.setattr(
        "modelloop.aws.functions.client", lambda service: trigger if service == "lambda" else real(service)
    )
    answer = act("runs", {"reason": "new labels"})
    assert (answer.status, answer["request_id"]) == (202, "request-1")
    (event,) = trigger.events
    assert (event["source"], event["model"], event["cause"], event["request_id"], event["reason"]) == (
        "modelloop.retrain", "m", "request", "request-1", "new labels",
    )  # fmt: skip
    (entry,) = get("/models/{model}/audit", model="m")["audit"]
    assert (entry["action"], entry["who"]) == ("run", ANN)


@pytest.mark.usefixtures("loop")
def test_an_erasure_is_put_on_record_without_the_id() -> None:
    prediction = uuid7()
    body = {"prediction": prediction, "row": 2, "versions": [3], "reason": "he asked"}
    answer = act("erasures", body)
    assert answer.status == 200
    (entry,) = get("/models/{model}/audit", model="m")["audit"]
    assert (entry["action"], entry["who"], entry["why"], entry["id"]) == ("erase", ANN, "he asked", answer["audit"])
    assert entry["detail"] == {"prediction_sha256": erasure_digest("m", prediction), "row": 2, "versions": [3]}
    assert prediction not in json.dumps([entry, answer.body])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prediction": "no id"}, "prediction"), ({"prediction": None}, "prediction"), ({"row": -1}, "row"),
        ({"row": True}, "row"), ({"versions": [0]}, "versions"), ({"versions": "3"}, "versions"),
        ({"reason": ""}, "reason"), ({"version": 3}, "version"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("loop")
def test_an_erasure_that_cannot_be_recorded_names_the_field(changes: dict[str, Any], field: str) -> None:
    answer = act("erasures", {"prediction": uuid7(), "reason": "he asked"} | changes)
    assert (answer.status, answer["field"]) == (422, field)
    assert get("/models/{model}/audit", model="m")["audit"] == []


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"file": "a b+ü.csv"}, "datasets/new/a b+ü.csv"),
        ({"file": "T.CSV.GZ"}, "datasets/new/T.CSV.GZ"),
        ({"file": "model.yaml"}, "datasets/new/model.yaml"),
        ({"file": "net.onnx"}, "models/new/net.onnx"),
        ({"file": "model.yaml", "kind": "model"}, "models/new/model.yaml"),
    ],
)
def test_an_upload_link_takes_the_file(body: dict[str, str], key: str) -> None:
    answer = call("POST", "/uploads", {"model": "new", **body})
    assert (answer.status, answer["method"], answer["key"]) == (200, "PUT", key)
    assert requests.put(answer["url"], data=b"a,b\n", timeout=5).status_code == 200
    assert Bucket("data").get(key) == b"a,b\n"


def test_whoever_is_given_an_upload_link_is_in_the_audit_log(loop: Registry) -> None:
    call("POST", "/uploads", {"model": "new", "file": "t.csv"})
    call("POST", "/uploads", {"model": "new", "file": "t.exe"})

    (entry,) = loop.list_audit("new").items
    assert (entry.action, entry.why, entry.detail) == (
        "uploads", "a link to upload t.csv", {"key": "datasets/new/t.csv"}
    )  # fmt: skip
    assert entry.who
    assert "new" not in [model.name for model in loop.list_models().items]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"model": "m", "file": "../x.csv"}, 422, "file"),
        ({"model": "m", "file": "x.exe"}, 422, "file"),
        ({"model": "m", "file": "a\nb.csv"}, 422, "file"),
        ({"model": "m"}, 422, "file"),
        ({"model": "M!", "file": "x.csv"}, 404, "model"),
        ({"model": "m", "file": "x.csv", "kind": "other"}, 422, "kind"),
    ],
)
def test_an_upload_elsewhere_is_refused(body: dict[str, str], status: int, field: str) -> None:
    answer = call("POST", "/uploads", body)
    assert (answer.status, answer["field"]) == (status, field)


def test_a_prediction_is_traced_to_its_dataset(loop: Registry) -> None:
    made = clock.to_ms("2026-01-01T10:59:59.999Z")
    prediction, other = uuid7(made), uuid7(made)
    run_id = loop.get_version("m", 2).run_id
    store_manifest(run_id, dataset=Dataset("s3://data/t.csv", "v1", "d", "t.csv", 9))
    for digest, ids in (("a", [other]), ("b", [other, prediction, prediction])):
        entries = [IndexEntry(one, 0, 2, "challenger", "", ["yes"], None, None) for one in ids]
        entries.append(IndexEntry(prediction, 0, 1, "shadow", "", ["no"], None, None))
        store_index(digest, entries)
    found = get("/models/{model}/lineage/{prediction}", model="m", prediction=prediction)
    assert (found.status, found["version"], found["run_id"], found["variant"]) == (200, 2, run_id, "challenger")
    assert found["dataset"]["version_id"] == "v1"
    assert found["rows"] == [{"offset": 0, "predict": ["yes"]}]
    assert [(one["version"], one["predict"]) for one in found["others"]] == [(1, ["no"])]
    assert found["run"]["cause"] == "upload"
    environment = manifest_of().environment
    assert (found["code"], found["lock"], found["ancestors"]) == (environment.code, environment.lock, [])


def answered(prediction: str, chunks: dict[int, list[str]], version: int = 1) -> None:
    """Leave in the index what a request of many rows leaves: its rows in chunks, and a shadow's answers."""
    entries = [
        IndexEntry(prediction, offset, version, "champion", "", predict, None, None)
        for offset, predict in chunks.items()
    ]
    store_index("a", [*entries, IndexEntry(prediction, 0, 2, "shadow", "", ["other"] * 5, None, None)])


def store_index(digest: str, entries: list[IndexEntry]) -> None:
    lines = [SourceObject("k", None).to_line(), *(entry.to_line() for entry in entries)]
    Bucket("artifacts").put(keys.index("m", "2026-01-01T10", digest), b"\n".join(lines))


def store_manifest(run_id: str, **changes: Any) -> None:
    manifest = manifest_of(model="m", run_id=run_id, **changes)
    Bucket("artifacts").put(keys.version("m", run_id, keys.MANIFEST), manifest.to_bytes())


@pytest.mark.parametrize(("row", "predict"), [("0", "a"), ("2", "c"), ("3", "d"), ("4", "e")])
def test_one_row_of_a_prediction_is_traced(loop: Registry, row: str, predict: str) -> None:
    prediction = uuid7(clock.to_ms("2026-01-01T10:30:00.000Z"))
    answered(prediction, {0: ["a", "b", "c"], 3: ["d", "e"]})
    store_manifest(loop.get_version("m", 1).run_id)
    found = get("/models/{model}/lineage/{prediction}", {"row": row}, model="m", prediction=prediction)
    assert (found.status, found["version"]) == (200, 1)
    assert found["rows"] == [{"offset": int(row), "predict": [predict]}]
    assert [one["predict"] for one in found["others"]] == [["other"]]


@pytest.mark.parametrize(("row", "status"), [("5", 404), ("-1", 422), ("x", 422), ("", 422), ("1" * 30, 422)])
@pytest.mark.usefixtures("loop")
def test_a_row_that_a_prediction_does_not_have_is_told(row: str, status: int) -> None:
    prediction = uuid7(clock.to_ms("2026-01-01T10:30:00.000Z"))
    answered(prediction, {0: ["a", "b", "c"], 3: ["d", "e"]})
    found = get("/models/{model}/lineage/{prediction}", {"row": row}, model="m", prediction=prediction)
    assert (found.status, found["field"]) == (status, "row")


def test_a_retrained_version_is_traced_to_its_base_and_to_the_versions_before_it(loop: Registry) -> None:
    prediction = uuid7(clock.to_ms("2026-01-01T10:30:00.000Z"))
    answered(prediction, {0: ["a"]})
    base = SourceFile("s3://data/t.csv", "v", "b", "t.csv", 9)
    derived = Dataset("s3://artifacts/derived/m/x.csv", None, "d", "x.csv", 9, base=base, labelled=250)
    start = Predecessor(8, "r8")
    environment = replace(manifest_of().environment, code="c0de", lock="10c4")
    store_manifest(
        loop.get_version("m", 1).run_id, cause="drift", dataset=derived, environment=environment,
        compared_with="r9", started_from=start,
    )  # fmt: skip
    uploaded = Dataset("s3://data/x.onnx", "v", "d", "x.onnx", 9)
    store_manifest("r9", version=9, cause="model", dataset=uploaded, started_from=None, compared_with="r8")
    store_manifest("r8", version=8, cause="upload", started_from=Predecessor(7, "r7"),
                   compared_with=None)  # fmt: skip
    store_manifest("r7", version=7, cause="upload", compared_with="gone")
    found = get("/models/{model}/lineage/{prediction}", model="m", prediction=prediction)
    assert (found["code"], found["lock"], found["cause"]) == ("c0de", "10c4", "drift")
    assert found["dataset"]["base"]["uri"] == "s3://data/t.csv"
    assert found["started_from"] == asdict(start)
    assert [(one["version"], one["cause"]) for one in found["ancestors"]] == [
        (9, "model"),
        (8, "upload"),
        (7, "upload"),
    ]
    assert found["ancestors"][0]["dataset"]["uri"] == "s3://data/x.onnx"


@pytest.mark.parametrize(
    "prediction", ["00000000-0001-7000-8000-000000000000", "x", "../../x", "ffffffff-ffff-7fff-bfff-ffffffffffff"]
)
@pytest.mark.usefixtures("loop")
def test_an_unknown_prediction_is_404(prediction: str) -> None:
    answer = get("/models/{model}/lineage/{prediction}", model="m", prediction=prediction)
    assert (answer.status, answer["field"]) == (404, "prediction")


def test_prometheus_reads_the_state_of_every_model(loop: Registry) -> None:
    act("promote", {"version": 1, "reason": "go"})
    loop.create_run(Run("other", uuid7(), "upload", dataset(), "s", clock.now()))
    loop.put_verdict(verdicts.drift(clock.now(), "drift"))
    found = get("/metrics")
    assert (found.status, found.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    serving = [line for line in found.text.splitlines() if 'role="champion"' in line]
    assert len(serving) == 1
    assert 'model_name="m"' in serving[0]
    assert serving[0].endswith(" 1")
    assert 'modelloop_runs_open{model_name="other",state="QUEUED"} 1' in found.text
    loop.put_state(activity.totals(None, [], [], model="other", now=clock.now()))
    assert 'modelloop_runs_open{model_name="other",state="QUEUED"} 0' in get("/metrics").text


def test_an_outage_is_503_with_retry_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> dict[str, Any]:
        raise TransientError("the table: the service is busy (ThrottlingException); try again")

    monkeypatch.setitem(module.ROUTES, "GET /models", (200, fail))
    answer = get("/models")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")


def test_a_bug_is_500_in_the_error_form_and_says_nothing_of_the_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> dict[str, Any]:
        raise KeyError("secret")

    monkeypatch.setitem(module.ROUTES, "GET /models", (200, fail))
    answer = get("/models")
    assert answer.status == 500
    assert "secret" not in json.dumps(answer.body)
    assert "request-1" in answer["error"]


def test_control_needs_no_data_library() -> None:
    heavy = ("numpy", "duckdb", "sklearn", "pandas", "scipy", "onnxruntime", "pydantic")
    code = f"import control.handler, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": "functions", "PATH": ""})  # fmt: skip
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("limit", ["00000001" + "9" * 5_000, "00000001999999", "9" * 5_000])
def test_a_limit_of_any_length_is_refused(loop: Registry, limit: str) -> None:
    del loop
    refused = get("/models", {"limit": limit})
    assert (refused.status, refused["field"]) == (422, "limit")


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("/\ud800", {}),
        ("/models/{model}", {"model": "\ud800"}),
        ("/models/{model}/versions/{version}", {"model": "m", "version": "\udfff"}),
        ("/models/{model}/runs/{run}", {"model": "m", "run": "\ud800"}),
        ("/models/{model}/lineage/{prediction}", {"model": "m", "prediction": "\ud800"}),
    ],
)
def test_half_a_character_in_a_path_is_not_found(loop: Registry, resource: str, path: dict[str, str]) -> None:
    del loop
    assert 400 <= get(resource, **path).status < 500


@pytest.mark.parametrize(
    ("resource", "query"),
    [
        ("/models", {"next": "\ud800"}),
        ("/models/{model}/runs", {"next": "\ud800"}),
        ("/models/{model}/drift", {"column": "\ud800"}),
        ("/models/{model}/summary", {"from": "\ud800"}),
    ],
)
def test_half_a_character_in_a_query_is_refused(loop: Registry, resource: str, query: dict[str, str]) -> None:
    del loop
    assert 400 <= get(resource, query, model="m").status < 500
