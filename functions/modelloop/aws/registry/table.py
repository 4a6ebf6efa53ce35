"""The one DynamoDB table: items of plain Python values, conditional writes, pages.

Scalars are native attributes, so that conditions can compare them; everything structured is JSON text inside a map
`{"json": …}`, because DynamoDB's numbers cannot hold every float.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

import orjson
from botocore.exceptions import ClientError

from modelloop.aws.clients import calling, client, error_code
from modelloop.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.json_types import JsonObject, JsonValue

Item: TypeAlias = "dict[str, JsonValue]"
Typed: TypeAlias = "dict[str, dict[str, Any]]"  # attributes as DynamoDB has them: {"S": …}, {"N": …}, {"M": …}
Entry = TypeVar("Entry")

MAX_ITEMS = 100
_NAMES = re.compile(r"#(\w+)")


class Page(NamedTuple, Generic[Entry]):
    """A slice of a list and the token that continues it (None: that was all)."""

    items: list[Entry]
    next: str | None


class ConditionFailedError(Exception):
    """A condition did not hold; `item` is what is there instead, None when nothing is."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("the condition did not hold")
        self.item = item


class Table:
    """Reads and conditional writes of one table with keys `pk` and `sk`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, pk: str, sk: str) -> Item | None:
        """Return an item, read consistently, or None."""
        with calling(sk):
            answer = self._client.get_item(TableName=self.name, Key=_encode({"pk": pk, "sk": sk}), ConsistentRead=True)
        return _decode(answer["Item"]) if "Item" in answer else None

    def put_new(self, item: JsonObject) -> bool:
        """Write an item unless one is there; True when it is there as this call, or a lost try of it, wrote it."""
        try:
            self._write("put_item", str(item["sk"]), {"Item": _encode(item)}, "attribute_not_exists(pk)", None)
        except ConditionFailedError as failed:
            return failed.item == dict(item)
        return True

    def update(
        self,
        pk: str,
        sk: str,
        facts: JsonObject,
        condition: str | None = None,
        values: JsonObject | None = None,
        defaults: JsonObject | None = None,
    ) -> Item:
        """Set attributes (and `defaults` where absent) and return the whole item afterwards.

        Raises ConditionFailedError when the condition does not hold; it names attributes as #name and values as :name.
        """
        both = {**facts, **(defaults or {})}
        sets = [f"#{name} = :{name}" for name in facts]
        sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in defaults or {}]
        request = {
            "Key": _encode({"pk": pk, "sk": sk}),
            "UpdateExpression": "SET " + ", ".join(sets),
            "ExpressionAttributeNames": {f"#{name}": name for name in [*both, *_NAMES.findall(condition or "")]},
            "ReturnValues": "ALL_NEW",
        }
        answer = self._write("update_item", sk, request, condition, {**both, **(values or {})})
        return _decode(answer["Attributes"])

    def count(self, pk: str, sk: str) -> int:
        """Add one to a counter and return it, from 1."""
        request = {
            "Key": _encode({"pk": pk, "sk": sk}),
            "UpdateExpression": "ADD issued :one",
            "ReturnValues": "UPDATED_NEW",
        }
        answer = self._write("update_item", sk, request, None, {"one": 1})
        return int(answer["Attributes"]["issued"]["N"])

    def delete(self, pk: str, sk: str) -> None:
        """Delete an item; no error when it is not there."""
        with calling(sk):
            self._client.delete_item(TableName=self.name, Key=_encode({"pk": pk, "sk": sk}))

    def page(
        self, pk: str, prefix: str, *, limit: int, start: str | None = None, newest_first: bool = False
    ) -> Page[Item]:
        """Return a page of the items whose sort key has the prefix, in the order of that key."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": _encode({":pk": pk, ":prefix": prefix}),
            "ScanIndexForward": not newest_first,
            "ConsistentRead": True,
            "Limit": max(1, min(limit, MAX_ITEMS)),
        }
        if start:
            request["ExclusiveStartKey"] = _encode({"pk": pk, "sk": _from_token(start, prefix)})
        with calling(prefix):
            answer = self._client.query(**request)
        last = answer.get("LastEvaluatedKey")
        return Page([_decode(item) for item in answer["Items"]], _to_token(last["sk"]["S"]) if last else None)

    def _write(
        self,
        operation: str,
        what: str,
        request: dict[str, Any],
        condition: str | None,
        values: JsonObject | None,
    ) -> dict[str, Any]:
        if condition:
            request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if values:
            request["ExpressionAttributeValues"] = _encode({f":{name}": value for name, value in values.items()})
        with calling(what):
            try:
                return dict(getattr(self._client, operation)(TableName=self.name, **request))
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                there: Any = error.response.get("Item")
                raise ConditionFailedError(_decode(there) if there else None) from error

    @property
    def _client(self) -> Any:
        return client("dynamodb")


def _encode(item: JsonObject) -> Typed:
    return {name: _encode_value(value) for name, value in item.items()}


def _encode_value(value: JsonValue) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    return {"M": {"json": {"S": orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()}}}


def _decode(item: Mapping[str, dict[str, Any]]) -> Item:
    return {name: _decode_value(value) for name, value in item.items()}


def _decode_value(typed: dict[str, Any]) -> Any:
    kind, value = next(iter(typed.items()))
    if kind == "M":
        return orjson.loads(value["json"]["S"])
    if kind == "NULL":
        return None
    return int(value) if kind == "N" else value


def _to_token(sort_key: str) -> str:
    return urlsafe_b64encode(sort_key.encode()).decode().rstrip("=")


def _from_token(token: str, prefix: str) -> str:
    try:
        sort_key = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError:
        sort_key = ""
    if not sort_key.startswith(prefix):
        raise RequestError("'next' is not a token that this list gave; leave it out to begin anew", field="next")
    return sort_key
