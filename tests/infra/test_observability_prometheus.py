"""Every rule and every panel names metrics and labels that a scraper really finds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from samcli.yamlhelper import yaml_parse

from control.prometheus import families as prometheus
from modelloop_stack.build.paths import ROOT
from tests.support import scraped

if TYPE_CHECKING:
    from collections.abc import Mapping

OBSERVABILITY = ROOT / "infra" / "observability"
PROMETHEUS_WORDS = re.compile(r"\b(?:modelloop_|model_infer_)[a-z_]+\b")
METRIC = re.compile(r"\b(?:modelloop_[a-z_]+|model_infer_[a-z_]+|up(?=\{))")
SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}")
MATCHED = re.compile(r"([a-z_]+)(?:=~|!~|!=|=)")
GROUPED = re.compile(r"(?:\b(?:by|on) \(|\blabel_values\([a-z_]+, )([a-z_, ]*)\)")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
SHOWN = re.compile(r"(?:\{\{|\$labels\.)([a-z_]+)")

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def told_to_prometheus() -> set[str]:
    """Every name that a scraper can find."""
    names = {family.name for family in prometheus.FAMILIES if family.kind != "histogram"}
    histograms = {family.name for family in prometheus.FAMILIES if family.kind == "histogram"}
    return names | {name + suffix for name in histograms for suffix in ("_bucket", "_sum", "_count")}


def panel_expressions() -> list[str]:
    document = json.loads((OBSERVABILITY / "grafana.json").read_text())
    queries = [variable["query"] for variable in document["templating"]["list"] if variable["type"] == "query"]
    return queries + [target["expr"] for panel in document["panels"] for target in panel["targets"]]


def rule_expressions() -> list[str]:
    document = yaml_parse((OBSERVABILITY / "alerts.yml").read_text())
    return [rule["expr"] for group in document["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("expression", [*panel_expressions(), *rule_expressions()])
def test_every_panel_and_rule_names_metrics_that_are_told(expression: str) -> None:
    named = set(PROMETHEUS_WORDS.findall(expression))
    assert named or expression.startswith("up{")
    assert named <= told_to_prometheus()


def test_every_told_metric_has_a_panel() -> None:
    shown = {name for expression in panel_expressions() for name in PROMETHEUS_WORDS.findall(expression)}
    families = {family.name for family in prometheus.FAMILIES}
    assert {family for family in families if not any(name.startswith(family) for name in shown)} == set()


def shown_texts() -> list[tuple[str, str]]:
    """Every expression with each text that names its labels: the legend of a panel, the annotations of a rule."""
    panels = json.loads((OBSERVABILITY / "grafana.json").read_text())["panels"]
    groups = yaml_parse((OBSERVABILITY / "alerts.yml").read_text())["groups"]
    legends = [(target["expr"], target["legendFormat"]) for panel in panels for target in panel["targets"]]
    rules = [rule for group in groups for rule in group["rules"]]
    return legends + [(rule["expr"], text) for rule in rules for text in rule["annotations"].values()]


def untold(expression: str, told: Mapping[str, frozenset[str]]) -> set[str]:
    """Return what an expression names that no scraper finds: metrics, and labels, as metric{label}."""
    unquoted = QUOTED.sub('""', expression)
    metrics = set(METRIC.findall(unquoted))
    wrong = {name for name in metrics if name not in told}
    for name, selector in SELECTOR.findall(unquoted):
        wrong |= {f"{name}{{{label}}}" for label in MATCHED.findall(selector) if label not in told.get(name, ())}
    grouped = {label for labels in GROUPED.findall(unquoted) for label in labels.split(", ")}
    common = frozenset.intersection(*(told.get(name, frozenset()) for name in metrics)) if metrics else frozenset()
    return wrong | {f"by {label}" for label in grouped - common}


@pytest.fixture(scope="module")
def told() -> dict[str, frozenset[str]]:
    return scraped.told_labels()


def test_the_example_tells_every_metric_with_its_labels(told: dict[str, frozenset[str]]) -> None:
    assert told.keys() - scraped.SCRAPER.keys() == told_to_prometheus()
    assert all("model_name" in labels for name, labels in told.items() if name not in scraped.SCRAPER)
    assert told["modelloop_request_duration_seconds_bucket"] == {"model_name", "model_version", "le"}


@pytest.mark.parametrize("expression", [*panel_expressions(), *rule_expressions()])
def test_every_label_in_a_rule_or_panel_is_one_that_is_told(expression: str, told: dict[str, frozenset[str]]) -> None:
    assert untold(expression, told) == set()


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ('modelloop_drift_status{state="drift"} == 1', {"modelloop_drift_status{state}"}),
        ('modelloop_drift_status{model_name="m", state=~"drift"}', {"modelloop_drift_status{state}"}),
        ("sum by (model_name, le) (rate(modelloop_rows_total[30m]))", {"by le"}),
        ("modelloop_frozen and on (role) modelloop_serving_version", {"by role"}),
        ("modelloop_frost == 1", {"modelloop_frost"}),
        ("label_values(modelloop_frozen, version)", {"by version"}),
    ],
)
def test_a_label_that_is_not_told_is_found(expression: str, wrong: set[str], told: dict[str, frozenset[str]]) -> None:
    assert untold(expression, told) == wrong


@pytest.mark.parametrize(("expression", "text"), shown_texts())
def test_every_legend_and_annotation_names_labels_of_its_expression(
    expression: str, text: str, told: dict[str, frozenset[str]]
) -> None:
    labels = set(SHOWN.findall(text))
    kept = GROUPED.search(expression) if "sum by" in expression else None
    metrics = METRIC.findall(QUOTED.sub('""', expression))
    known = set(kept[1].split(", ")) if kept else set().union(*(told[name] for name in metrics))
    assert labels <= known


@pytest.mark.parametrize("line", ["metric{a=1} 1", 'metric{a="1"}', "metric one", 'metric{a="\\x"} 1', "# note"])
def test_what_is_no_exposition_text_is_refused(line: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        scraped.labels_by_metric(line)


@needs_promtool
def test_rules_are_sound_and_fire_when_they_should() -> None:
    subprocess.run(["promtool", "check", "rules", "alerts.yml"], cwd=OBSERVABILITY, check=True)
    subprocess.run(["promtool", "test", "rules", "alerts_test.yml"], cwd=OBSERVABILITY, check=True)


def test_every_rule_is_tested_both_ways() -> None:
    rules = {
        rule["alert"]
        for group in yaml_parse((OBSERVABILITY / "alerts.yml").read_text())["groups"]
        for rule in group["rules"]
    }
    cases = [
        case
        for test in yaml_parse((OBSERVABILITY / "alerts_test.yml").read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == rules
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == rules


@needs_promtool
def test_promtool_reads_every_panel_expression(tmp_path: Any) -> None:
    rules = [
        {"record": f"panel:{place}", "expr": expression.replace("$model", ".*")}
        for place, expression in enumerate(panel_expressions())
        if not expression.startswith("label_values(")
    ]
    file = tmp_path / "panels.json"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    subprocess.run(["promtool", "check", "rules", str(file)], check=True)
