"""Grants of a function's role, as plain facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.template.resources import Resources

BUCKETS = {"DataBucket": "data", "ArtifactsBucket": "artifacts", "CaptureBucket": "capture"}
PREFIX = re.compile(r"\$\{(\w+)\.Arn\}/(.+)")
# Where a reference to the bucket would be a circular dependency.
SPELLED = re.compile(
    r"arn:\$\{AWS::Partition\}:s3:::\$\{NamePrefix\}-(data|capture)-\$\{AWS::AccountId\}-\$\{AWS::Region\}(?:/(.+))?"
)


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource: a bucket's prefix as `data/datasets/*`, anything else as its logical id."""

    sid: str
    action: str
    resource: str


def grants(resources: Resources, role: str) -> set[Grant]:
    """Every grant of a role."""
    return set(_grants(resources[role]["Properties"]["Policies"]))


def role_of(resources: Resources, function: str) -> str:
    """Logical id of a function's role."""
    (role, attribute) = resources[function]["Properties"]["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(role)


def _grants(policies: list[dict[str, Any]]) -> Iterator[Grant]:
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    yield Grant(statement["Sid"], action, place(resource))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def place(resource: Any) -> str:
    """Name what an ARN in a policy stands for: a bucket or its prefix as `data/datasets/*`, else the logical id."""
    if isinstance(resource, str):
        return resource
    if "Fn::GetAtt" in resource:
        name, attribute = resource["Fn::GetAtt"]
        assert attribute == "Arn", resource
        return BUCKETS.get(name, str(name))
    arn = resource["Fn::Sub"]
    if spelled := SPELLED.fullmatch(arn):
        return "/".join(part for part in spelled.groups() if part)
    inside = PREFIX.fullmatch(arn)
    assert inside, resource
    return f"{BUCKETS[inside[1]]}/{inside[2]}"
