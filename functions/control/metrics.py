"""What a Prometheus server scrapes, from durable state."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from control.rates import rates
from modelloop import prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from control.request import Request
    from modelloop.aws.registry import Registry

PARALLEL_READS = 8
MOST_MODELS = 1_000


class Text(NamedTuple):
    """An answer that is not JSON."""

    body: str
    content_type: str


def get_metrics(registry: Registry, _request: Request) -> Text:
    """Answer the state of every model in Prometheus's text form."""
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        states = list(pool.map(lambda item: _state(registry, item), _models(registry)))
    return Text(prometheus.render(states), prometheus.CONTENT_TYPE)


def _models(registry: Registry) -> Iterator[dict[str, Any]]:
    token, told = None, 0
    while told < MOST_MODELS:
        page = registry.list_models(limit=100, next=token)
        yield from page.items
        told, token = told + len(page.items), page.next
        if token is None:
            return


def _state(registry: Registry, item: dict[str, Any]) -> prometheus.ModelState:
    verdicts = {kind: registry.latest_verdict(item["name"], kind) for kind in ("traffic", "drift", "quality")}
    return prometheus.ModelState(item=item, rates=rates(), **verdicts)
