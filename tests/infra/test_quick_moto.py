"""The quicker writing of moto's answers changes none of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser

from tests.support import quick_moto

if TYPE_CHECKING:
    from collections.abc import Iterator

ITEM = {
    "pk": {"S": "p"}, "sk": {"S": "s"}, "text": {"S": ""}, "number": {"N": "-1.5"},
    "none": {"NULL": True}, "no": {"BOOL": False},
    "bytes": {"B": b"\x00\xff"}, "names": {"SS": ["a", "b"]},
    "list": {"L": [{"M": {"S": {"S": "S"}, "L": {"L": []}}}, {"N": "0"}]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with mock_aws():
        yield


def answers() -> list[Any]:
    client = boto3.client("dynamodb", os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
    schema = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    kinds = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    given: dict[str, Any] = {"KeySchema": schema, "AttributeDefinitions": kinds, "BillingMode": "PAY_PER_REQUEST"}
    client.create_table(TableName="t", **given)
    found: list[Any] = [client.describe_table(TableName="t")["Table"]["KeySchema"]]
    for sort in "abc":
        client.put_item(TableName="t", Item={**ITEM, "sk": {"S": sort}})
    key = {"pk": {"S": "p"}, "sk": {"S": "a"}}
    found.append(client.get_item(TableName="t", Key=key))
    found.append(client.get_item(TableName="t", Key={**key, "sk": {"S": "missing"}}))
    found.append(client.update_item(
        TableName="t", Key=key, UpdateExpression="SET #a = :a, #n = #n + :n REMOVE #l",
        ExpressionAttributeNames={"#a": "text", "#n": "number", "#l": "list"},
        ExpressionAttributeValues={":a": {"M": {"x": {"L": [{"S": "y"}]}}}, ":n": {"N": "2"}}, ReturnValues="ALL_NEW",
    ))  # fmt: skip
    found.append(client.query(
        TableName="t", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}}, Limit=2,
    ))  # fmt: skip
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as refused:
        client.put_item(TableName="t", Item=ITEM | {"sk": {"S": "a"}}, ConditionExpression="attribute_not_exists(pk)")
    found.append(refused.value.response["Error"])
    for answer in found:
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
    client.delete_table(TableName="t")
    return found


def test_answers_are_the_same_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_moto.install()
    quick = answers()
    monkeypatch.setattr(BaseJSONSerializer, "_serialize_type_structure", quick_moto.SLOW_STRUCTURE)
    monkeypatch.setattr(DepthFirstTraverser, "nodes_to_be_processed", quick_moto.SLOW_NODES)
    assert quick == answers()
    assert len(quick[4]["Items"]) == 2
    assert "LastEvaluatedKey" in quick[4]
