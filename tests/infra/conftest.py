"""The template as CloudFormation gets it: after the transform."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from modelloop_stack.build.paths import ROOT

type Resources = dict[str, dict[str, Any]]


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
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    document = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = "s3://bucket/layer.zip"
    document["Globals"]["Function"].pop("CodeUri")
    made: dict[str, Any] = transform(document, {}, NoManagedPolicies())
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
