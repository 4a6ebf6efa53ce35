"""The API as methods, with timeouts, retries, the API key and signatures."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx

from modelloop_client.failures import ApiError
from modelloop_client.signing import ApiKey, Signature, is_data_plane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.json_types import JsonObject, JsonValue
    from modelloop_client.stacks import Stack

Document = dict[str, Any]  # a JSON object that the API answered; its fields are those of infra/docs/routes.md

TIMEOUT = httpx.Timeout(35.0, connect=5.0)  # API Gateway gives up after 29 s
CONNECTION_RETRIES = 3
ATTEMPTS = 4
PAGE = 100
_RETRIED = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class Client:
    """One stack's API; connection errors are retried, and so are reads that the API asks to repeat."""

    def __init__(self, stack: Stack, transport: httpx.BaseTransport | None = None, pause: float = 0.2) -> None:
        self.stack = stack
        self._pause = pause
        self._key = ApiKey(stack.api_key)
        self._http = httpx.Client(
            timeout=TIMEOUT,
            transport=transport or httpx.HTTPTransport(retries=CONNECTION_RETRIES),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send one request, signed or with the API key as its path needs; return the response whatever its status."""
        auth = self._key if is_data_plane(path) else Signature(self.stack.credentials, self.stack.region)
        return self._http.request(
            method, self.stack.api_url + path, content=content, params=params, headers=headers, auth=auth
        )

    def get(self, path: str, **params: str | int | None) -> Document:
        """Return a document; raise ApiError for every status but 2xx."""
        query = {name: str(value) for name, value in params.items() if value is not None}
        for attempt in range(1, ATTEMPTS):
            answer = self.send("GET", path, params=query)
            if answer.status_code not in _RETRIED:
                return _document(answer)
            time.sleep(self._pause * 2**attempt)
        return _document(self.send("GET", path, params=query))

    def post(self, path: str, body: JsonObject) -> Document:
        """Send a document once and return the answer; raise ApiError for every status but 2xx."""
        content = httpx.Request("POST", "http://body", json=body).content
        return _document(self.send("POST", path, content=content, headers={"content-type": "application/json"}))

    def pages(self, path: str, key: str, limit: int) -> list[Document]:
        """Return the items of a paged list, at most `limit`."""
        items: list[Document] = []
        next_page: str | None = None
        while len(items) < limit:
            page = self.get(path, limit=min(PAGE, limit - len(items)), next=next_page)
            items += page[key]
            next_page = page.get("next")
            if not next_page:
                break
        return items[:limit]

    def models(self, limit: int = PAGE) -> list[Document]:
        """Return the models and the versions that serve."""
        return self.pages("/models", "models", limit)

    def versions(self, model: str, limit: int = PAGE) -> list[Document]:
        """Return a model's versions, newest first."""
        return self.pages(f"/models/{_quote(model)}/versions", "versions", limit)

    def version(self, model: str, version: int) -> Document:
        """Return a version's manifest."""
        return self.get(f"/models/{_quote(model)}/versions/{version}")

    def runs(self, model: str, limit: int = PAGE) -> list[Document]:
        """Return a model's runs, newest first."""
        return self.pages(f"/models/{_quote(model)}/runs", "runs", limit)

    def about(self, model: str, topic: str, **params: str | int | None) -> Document:
        """Return one of a model's documents: drift, quality, summary, audit, runs/ID, lineage/ID and so on."""
        return self.get(f"/models/{_quote(model)}/{topic}", **params)

    def act(self, model: str, action: str, **body: JsonValue) -> Document:
        """Change what serves, or start a run: promote, rollback, approve, runs and so on."""
        fields = {name: value for name, value in body.items() if value is not None}
        return self.post(f"/models/{_quote(model)}/{action}", fields)

    def predict(self, model: str, rows: Sequence[JsonObject], params: JsonObject | None = None) -> Document:
        """Predict for rows of column values; return `predictions`, `prediction_id`, and what `params` asked for."""
        body: dict[str, JsonValue] = {"dataframe_records": [_without_nan(row) for row in rows]}
        return self.post(f"/models/{_quote(model)}/invocations", body | ({"params": params} if params else {}))

    def schema(self, model: str) -> Document:
        """Return the columns that a model takes and what it answers, in the form of the Open Inference Protocol."""
        return self.get(f"/v2/models/{_quote(model)}")

    def audit(self, model: str, limit: int) -> list[Document]:
        """Return who changed what, newest first."""
        return self.pages(f"/models/{_quote(model)}/audit", "audit", limit)

    def infer(self, model: str, body: JsonObject, version: int | None = None) -> Document:
        """Send an Open Inference Protocol request, to `version` where one is named; return the answer."""
        place = _quote(model) if version is None else f"{_quote(model)}/versions/{version}"
        return self.post(f"/v2/models/{place}/infer", body)

    def feedback(self, model: str, items: Sequence[JsonObject]) -> Document:
        """Send labels for predictions, each as `{"id", "row", "label"}`; return what became of them.

        The document counts labels that were `accepted`, those among them that name a `new_class` (null: nobody could
        tell), and those that are `unreadable`; `examples` has up to five of the last two.
        """
        return self.post(f"/models/{_quote(model)}/feedback", {"feedback": list(items)})


def _without_nan(row: JsonObject) -> JsonObject:
    """Return a row with None for NaN, which JSON does not have and pandas puts where a value is missing."""
    return {name: None if value != value else value for name, value in row.items()}  # noqa: PLR0124  only NaN is unequal


def _quote(name: str) -> str:
    return quote(name, safe="")


def _document(answer: httpx.Response) -> Document:
    try:
        document = answer.json()
    except ValueError:
        document = {"error": f"the API answered {answer.status_code} with something that is not JSON"}
        raise ApiError(answer.status_code, document) from None
    if not isinstance(document, dict):
        document = {"value": document}
    if not answer.is_success:
        raise ApiError(answer.status_code, document)
    return document
