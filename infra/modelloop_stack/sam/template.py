"""The built template as `sam local` needs it: the environment that the deployed functions really have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from modelloop_stack.info import StackInfo


def write(built: Path, target: Path, info: StackInfo, endpoint_url: str) -> None:
    """Write the template with absolute folders and the deployed values of every variable.

    `sam local` replaces a reference to a resource by its logical name, which is no address.
    """
    document = yaml.load((built / "template.yaml").read_text(), yaml.CSafeLoader)
    deployed = environments(info)
    for name, resource in document["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = str(built / properties["CodeUri"])
            variables = deployed[name] | {"AWS_ENDPOINT_URL": endpoint_url}
            properties["Environment"] = {"Variables": variables}
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = str(built / properties["ContentUri"])
        elif resource["Type"] == "AWS::CloudFormation::Stack":
            properties["TemplateURL"] = str(built / properties["TemplateURL"])
    target.write_text(yaml.safe_dump(document, sort_keys=False))


def environments(info: StackInfo) -> dict[str, dict[str, str]]:
    """Return every deployed function's variables, by logical name."""
    resources = info.client("cloudformation").describe_stack_resources(StackName=info.stack_name)["StackResources"]
    functions = info.client("lambda")
    return {
        resource["LogicalResourceId"]: _variables(functions, resource["PhysicalResourceId"])
        for resource in resources
        if resource["ResourceType"] == "AWS::Lambda::Function"
    }


def _variables(functions: Any, name: str) -> dict[str, str]:
    configuration = functions.get_function_configuration(FunctionName=name)
    return dict(configuration.get("Environment", {}).get("Variables", {}))
