"""Grants of a function's role, as plain facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.infra.conftest import Resources

BUCKET = re.compile(r"s3:::\$\{NamePrefix\}-(data|artifacts|capture)-\$\{AWS::AccountId\}-\$\{AWS::Region\}(?:/(.*))?$")


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
                    yield Grant(statement["Sid"], action, _name(resource))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: Any) -> str:
    if isinstance(resource, str):
        return resource
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    found = BUCKET.search(resource["Fn::Sub"])
    assert found, resource
    bucket, prefix = found.groups()
    return f"{bucket}/{prefix}" if prefix else str(bucket)
