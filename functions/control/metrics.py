"""What a Prometheus server scrapes, from durable state."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from control.prometheus import families
from modelloop import clock
from modelloop.captures import quarantine
from modelloop.monitoring import activity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from control.request import Request
    from control.services import Services

PARALLEL_READS = 8
MOST_MODELS = 1_000
MOST_RUNS = 100


class Text(NamedTuple):
    """An answer that is not JSON."""

    body: str
    content_type: str


def get_metrics(services: Services, _request: Request) -> Text:
    """Answer the state of every model in Prometheus's text form."""
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        states = list(pool.map(lambda item: _state(services, item), _models(services)))
    unowned = services.registry.latest_verdict(quarantine.UNKNOWN_MODEL, "traffic")
    return Text(families.render(states, unowned), families.CONTENT_TYPE)


def _models(services: Services) -> Iterator[dict[str, Any]]:
    token, told = None, 0
    while told < MOST_MODELS:
        page = services.registry.list_models(limit=100, next=token)
        yield from page.items
        told, token = told + len(page.items), page.next
        if token is None:
            return


def _state(services: Services, item: dict[str, Any]) -> families.ModelState:
    name = item["name"]
    verdicts = {
        kind: services.registry.latest_verdict(name, kind) for kind in ("traffic", "drift", "quality", "activity")
    }
    verdicts["activity"] = verdicts["activity"] or _first_runs(services, name)
    return families.ModelState(item=item, rates=services.rates, **verdicts)


def _first_runs(services: Services, name: str) -> dict[str, Any]:
    """Return the activity of a model that no schedule looks at, because nothing of it ever served: its newest runs."""
    return activity.totals(
        None, services.registry.list_runs(name, limit=MOST_RUNS).items, [], model=name, now=clock.now()
    )
