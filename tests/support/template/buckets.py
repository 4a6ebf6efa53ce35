"""How the template wires buckets."""

from __future__ import annotations

from typing import Any

from tests.support.template.resources import Resources, of_type


def mappings(resources: Resources, queue: str) -> list[dict[str, Any]]:
    bodies = (body["Properties"] for body in of_type(resources, "AWS::Lambda::EventSourceMapping").values())
    return [body for body in bodies if body["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}]
