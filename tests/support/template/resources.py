"""The templates as CloudFormation gets them: after the transform, nested ones with their parameters filled in."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from modelloop_stack.build.paths import ROOT

type Resources = dict[str, dict[str, Any]]

ALARM = "AWS::CloudWatch::Alarm"


class NoManagedPolicies:
    """The template names no managed policy, so none is looked up."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="session")
def source() -> dict[str, Any]:
    document: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return document


@cache
def transformed() -> dict[str, Any]:
    """The template after the transform, with every parameter at its default."""
    return transform_template(yaml_parse((ROOT / "template.yaml").read_text()), {})


def transform_template(document: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """Return the document after the transform; the document itself is changed on the way."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = "s3://bucket/layer.zip"
    document["Globals"]["Function"].pop("CodeUri")
    made: dict[str, Any] = transform(document, parameters, NoManagedPolicies())
    return made


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return transformed()


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> Resources:
    found: Resources = template["Resources"]
    return found


def of_type(resources: Resources, kind: str) -> Resources:
    """Resources of one CloudFormation type, by logical id."""
    return {name: body for name, body in resources.items() if body["Type"] == kind}


def nested_template(resources: Resources, stack: str) -> dict[str, Any]:
    """The template of a nested stack, by the stack's logical id."""
    document: dict[str, Any] = yaml_parse((ROOT / resources[stack]["Properties"]["TemplateURL"]).read_text())
    return document


@pytest.fixture(scope="session")
def alarms(resources: Resources) -> Resources:
    return all_alarms(resources)


def all_alarms(resources: Resources) -> Resources:
    """Alarms by logical id: the template's, and the nested stack's with its parameters replaced by what it is given."""
    given = resources["Alarms"]["Properties"]["Parameters"]
    nested = of_type(nested_template(resources, "Alarms")["Resources"], ALARM)
    own = of_type(resources, ALARM)
    assert not own.keys() & nested.keys()
    return own | {name: _with_parameters(body, given) for name, body in nested.items()}


def _with_parameters(value: Any, given: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"Ref"}:
            return given.get(value["Ref"], value)
        return {key: _with_parameters(part, given) for key, part in value.items()}
    return [_with_parameters(part, given) for part in value] if isinstance(value, list) else value
