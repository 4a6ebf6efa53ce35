"""Every rule and every panel names metrics and labels that a scraper really finds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from control.prometheus import families as prometheus
from modelloop_stack.build.paths import ROOT

OBSERVABILITY = ROOT / "infra" / "observability"
PROMETHEUS_WORDS = re.compile(r"\b(?:modelloop_|model_infer_)[a-z_]+\b")

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


def test_every_label_in_a_rule_or_panel_is_one_that_is_told() -> None:
    source = "".join(file.read_text() for file in (ROOT / "functions" / "control" / "prometheus").glob("*.py"))
    told = set(re.findall(r'"([a-z_]+)":', source)) | {"le", "job"}
    for expression in [*panel_expressions(), *rule_expressions()]:
        grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
        matched = re.findall(r'([a-z_]+)(?:=~|!~|!=|=)"', expression)
        assert {label for labels in grouped for label in labels.split(", ")} | set(matched) <= told, expression


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
