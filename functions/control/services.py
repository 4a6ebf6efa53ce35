"""What the control plane works with: made once by its handler, handed to every route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.functions import TriggerFunction
from modelloop.aws.storage import Bucket
from modelloop.aws.stores import StoreServices, open_stores
from modelloop.monitoring.cost import Rates

if TYPE_CHECKING:
    from modelloop.aws.settings import Settings


@dataclass(frozen=True, slots=True)
class Services(StoreServices):
    """The stack's stores, the bucket of uploads, what its functions cost, and the function that trains again."""

    data: Bucket
    rates: Rates
    trigger: TriggerFunction


def open_services(settings: Settings) -> Services:
    """Return the services of the stack that the settings describe."""
    rates = Rates(settings.inference_memory, settings.gb_second_price, settings.million_requests_price)
    return Services(
        open_stores(settings), Bucket(settings.data_bucket), rates, TriggerFunction(settings.trigger_function)
    )
