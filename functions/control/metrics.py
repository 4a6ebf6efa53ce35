"""What a Prometheus server scrapes, from durable state."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from control.prometheus import families
from modelloop import clock
from modelloop.captures.quarantine import UNKNOWN_MODEL
from modelloop.contracts.loop_state import ActivityTotals, TrafficTotals
from modelloop.contracts.quality_verdict import QualityVerdict
from modelloop.contracts.verdicts import DriftVerdict
from modelloop.monitoring import activity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from control.request import Request
    from control.services import Services
    from modelloop.contracts.model_record import ModelRecord

PARALLEL_READS = 8
MAX_MODELS = 1_000
MAX_RUNS = 100


class Text(NamedTuple):
    """An answer that is not JSON."""

    body: str
    content_type: str


def get_metrics(services: Services, _request: Request) -> Text:
    """Answer the state of every model in Prometheus's text form."""
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        states = list(pool.map(lambda model: _state(services, model), _models(services)))
    unowned = services.registry.get_state(TrafficTotals, UNKNOWN_MODEL)
    return Text(families.render(states, unowned), families.CONTENT_TYPE)


def _models(services: Services) -> Iterator[ModelRecord]:
    token, listed = None, 0
    while listed < MAX_MODELS:
        page = services.registry.list_models(limit=100, next=token)
        yield from page.items
        listed, token = listed + len(page.items), page.next
        if token is None:
            return


def _state(services: Services, model: ModelRecord) -> families.ModelState:
    registry = services.registry
    return families.ModelState(
        model,
        registry.get_state(TrafficTotals, model.name),
        registry.latest_verdict(DriftVerdict, model.name),
        registry.latest_verdict(QualityVerdict, model.name),
        registry.get_state(ActivityTotals, model.name) or _first_runs(services, model.name),
        services.rates,
    )


def _first_runs(services: Services, name: str) -> ActivityTotals:
    """Return the activity of a model that no schedule checks, because it never served: its newest runs."""
    runs = services.registry.list_runs(name, limit=MAX_RUNS).items
    return activity.totals(None, runs, [], model=name, now=clock.now())
