"""A real Prometheus scrapes the embedded stack through the signing proxy, with the shipped rules and panels."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from modelloop import clock
from modelloop_cli.captured import Span
from modelloop_cli.captured import export as export_captures
from modelloop_cli.demo import tables
from modelloop_cli.proxy import Proxy, running
from modelloop_client.client import Client
from modelloop_client.run_progress import find_run, follow
from modelloop_client.uploads import upload
from modelloop_stack.build.paths import ROOT
from tests.support.embedded import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelloop_stack.info import StackInfo

MODEL = "scraped"
SPEC = b"{target: species, estimators: [linear]}\n"
OBSERVABILITY = ROOT / "infra" / "observability"

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")


@pytest.fixture(scope="module")
def traffic(stack: StackInfo, client: Client) -> dict[str, Any]:
    """A trained model that has answered 40 requests of two rows and refused three, with labels; returns its summary."""
    table = tables.penguins()
    place = client.stack.aws("s3")
    place.put_object(Bucket=stack.data_bucket, Key=f"datasets/{MODEL}/model.yaml", Body=SPEC)
    sent = upload(client.stack, MODEL, table.file, force=False, on_progress=lambda _: None)
    run = follow(client, MODEL, find_run(client, MODEL, sent)["run_id"], lambda _: None)
    assert run["state"] == "SUCCEEDED", run["reason"]
    rows = [{name: value for name, value in row.items() if name != table.target} for row in table.rows()]
    truth = [row[table.target] for row in table.rows()]
    for at in range(40):
        sent_id = client.predict(MODEL, rows[2 * at : 2 * at + 2])["prediction_id"]
        client.feedback(MODEL, [{"id": sent_id, "row": row, "label": truth[2 * at + row]} for row in range(2)])
    for _ in range(3):
        assert client.send("POST", f"/models/{MODEL}/invocations", content=b"{").status_code >= 400
    wait_for(lambda: _counts(client) == (40, 3), "summaries of all requests")
    wait_for(lambda: _judged(stack, client) == 80, "the labels of all rows")
    return client.about(MODEL, "summary")


def _judged(stack: StackInfo, client: Client) -> int:
    answer = stack.client("lambda").invoke(FunctionName=stack.verdict_function, Payload=json.dumps({"model": MODEL}))
    assert "FunctionError" not in answer
    return int(client.about(MODEL, "quality")["rows"])


def _counts(client: Client) -> tuple[int, int]:
    found = client.about(MODEL, "summary")
    return found["predictions"], found["errors"]


@pytest.fixture(scope="module")
def scraper(client: Client, traffic: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraper]:
    assert traffic["predictions"]
    folder = tmp_path_factory.mktemp("prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with running(Proxy(client)) as proxy:
        config = folder / "prometheus.yml"
        token = folder / "token"
        token.write_text(proxy.token.text)
        config.write_text(json.dumps(configuration(proxy.url.removeprefix("http://"), str(token))))
        options = ["--config.file", config, "--storage.tsdb.path", folder / "data", "--web.listen-address", address]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(["prometheus", *map(str, options)], stdout=log, stderr=log)
        try:
            yield Scraper(f"http://{address}", proxy)
        finally:
            server.terminate()
            server.wait(30)


def configuration(target: str, token: str) -> dict[str, Any]:
    """The scrape configuration of the manual, with this proxy's port and token, a short interval, and our rules."""
    manual = (ROOT / "infra" / "docs" / "commands.md").read_text().split("```yaml\n")[1].split("```")[0]
    document: dict[str, Any] = yaml.safe_load(manual)
    document["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    document["scrape_configs"][0]["authorization"]["credentials_file"] = token
    interval = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    return document | {"global": interval, "rule_files": [str(OBSERVABILITY / "alerts.yml")]}


class Scraper:
    """A running Prometheus and the proxy that it scrapes."""

    def __init__(self, url: str, proxy: Proxy) -> None:
        self.url, self.proxy = url, proxy

    def ask(self, path: str, **params: str) -> Any:
        """Return the data of one of its API's answers; None while it is not up."""
        try:
            response = httpx.get(f"{self.url}/api/v1/{path}", params=params, timeout=10)
        except httpx.TransportError:
            return None
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:  # it listens before it has started
            return None
        answer = response.json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def values(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return what an expression gives now."""
        found = self.ask("query", query=expression)
        return [(one["metric"], float(one["value"][1])) for one in found["result"]] if found else []


def test_prometheus_finds_what_the_summary_tells(scraper: Scraper, traffic: dict[str, Any]) -> None:
    query = f'model_infer_request_success_total{{model_name="{MODEL}",model_version="1"}}'
    ((labels, value),) = wait_for(lambda: scraper.values(query), "the first scrape")

    assert (labels["job"], value) == ("modelloop", traffic["predictions"])
    assert sum(v for _, v in scraper.values(f'model_infer_request_failure_total{{model_name="{MODEL}"}}')) == 3
    assert scraper.values(f'modelloop_rows_total{{model_name="{MODEL}"}}')[0][1] == 80
    assert scraper.values(f'modelloop_serving_version{{model_name="{MODEL}",role="champion"}}')[0][1] == 1
    assert [target["health"] for target in scraper.ask("targets")["activeTargets"]] == ["up"]


def test_a_thousand_predictions_have_their_cost(scraper: Scraper, traffic: dict[str, Any]) -> None:
    version = next(one for one in traffic["versions"] if one["version"] == 1)
    told = version["cost"]

    query = f'modelloop_cost_per_thousand_predictions{{model_name="{MODEL}",model_version="1"}}'
    ((_, value),) = wait_for(lambda: scraper.values(query), "the first scrape")

    assert value == pytest.approx(told["per_1000_predictions"], rel=1e-6)
    spent = sum(version["latency_ms"]["mean"] or 0 for _ in range(version["predictions"])) / 1e3
    assert told["busy_seconds"] > spent, "deliveries and the start count too"
    expected = told["busy_seconds"] * 0.0000166667 + (version["predictions"] + version["errors"]) * 3.70e-6
    assert told["total"] == pytest.approx(expected, rel=1e-3)


def test_every_shipped_rule_and_panel_is_evaluated_without_fault(scraper: Scraper) -> None:
    wait_for(lambda: scraper.values("modelloop_frozen"), "the first scrape")
    groups = wait_for(lambda: _evaluated(scraper), "an evaluation of every rule")

    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
    wait_for(lambda: _empty_panels(scraper) == [], "a scrape of the newest verdicts: data in every panel")


def _empty_panels(scraper: Scraper) -> list[str]:
    """Return the titles of the panels whose queries find nothing; changes over time have none yet."""
    empty = []
    for panel in json.loads((OBSERVABILITY / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$model", MODEL)
            if not scraper.values(expression) and "rate(" not in expression and "increase(" not in expression:
                empty.append(panel["title"])
    return empty


def _evaluated(scraper: Scraper) -> Any:
    groups = scraper.ask("rules")["groups"]
    return groups if all(rule["health"] != "unknown" for group in groups for rule in group["rules"]) else None


def test_the_scraped_text_is_clean(scraper: Scraper) -> None:
    bearer = {"authorization": f"Bearer {scraper.proxy.token.text}"}
    answer = httpx.get(f"{scraper.proxy.url}/metrics", headers=bearer, timeout=30)

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    subprocess.run(["promtool", "check", "metrics"], input=answer.text, text=True, check=True)


def test_captures_leave_in_the_foreign_layout(client: Client, traffic: dict[str, Any], tmp_path: Path) -> None:
    span = Span(clock.later(clock.now(), minutes=-600), clock.now())

    counted = export_captures(client, MODEL, span, tmp_path)

    texts = [file.read_text() for file in (tmp_path / MODEL / "1").rglob("*.jsonl")]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    assert counted["rows"] == counted["labels"] == len(lines) == traffic["rows"]
    islands = {json.loads(line["captureData"]["endpointInput"]["data"])["island"] for line in lines}
    assert "Torgersen" in islands
