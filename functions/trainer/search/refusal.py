"""Which setting of model.yaml it is that an estimator does not take."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelloop.errors import FitRefusedError, SpecError
from modelloop.spec.fields import FAMILIES
from trainer.families.model import LONGEST_REASON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelloop.spec.model import Spec


@contextmanager
def pointing(spec: Spec) -> Iterator[None]:
    """Raise what is refused inside as SpecError with the line of the setting that it tells of, if it tells of one."""
    try:
        yield
    except (SpecError, FitRefusedError) as error:
        place = _setting(spec.params, error.message) or error.field
        if place is None or error.row is not None:
            raise
        raise spec.refuse(place, error.message) from error


def _setting(params: Mapping[str, Mapping[str, Any]], message: str) -> str | None:
    for family, settings in params.items():
        for name in settings:
            if re.search(rf"\b{re.escape(name)}\b", message):
                return f"params.{family}.{name}"
    return None


@contextmanager
def naming(family: str, settings: Mapping[str, Any]) -> Iterator[None]:
    """Raise FitRefusedError, with the settings that a spec gives a family, for whatever a fit fails with by them.

    An estimator that takes a value when it is fitted may stumble over it when it answers. What fails without such
    settings, and with an estimator that is known, is no fault of a person and goes on as it is.
    """
    told = ", ".join(f"{name}: {json.dumps(value)}" for name, value in settings.items())
    try:
        yield
    except FitRefusedError as error:
        raise FitRefusedError(f"{error.message} (with {told})" if told else error.message) from error
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        if not told and family in FAMILIES:
            raise
        what = f"{family} with {told}" if told else family
        raise FitRefusedError(f"{what} fails: {type(error).__name__}: {str(error)[:LONGEST_REASON]}") from error
