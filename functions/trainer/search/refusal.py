"""Which setting of model.yaml it is that an estimator does not take."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelloop.errors import FitRefusedError, SpecError
from modelloop.spec.fields import FAMILIES
from trainer.families.model import MAX_REASON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelloop.spec.fields import Parameter
    from modelloop.spec.model import Spec


@contextmanager
def pointing(spec: Spec) -> Iterator[None]:
    """Raise a refusal inside as SpecError with the line of the setting that its message names, if it names one."""
    try:
        yield
    except (SpecError, FitRefusedError) as error:
        place = _setting(spec.params, error.message) or error.field
        if place is None or error.row is not None:
            raise
        raise spec.refuse(place, error.message) from error


def _setting(params: Mapping[str, Mapping[str, Parameter]], message: str) -> str | None:
    for family, settings in params.items():
        for name in settings:
            if re.search(rf"\b{re.escape(name)}\b", message):
                return f"params.{family}.{name}"
    return None


@contextmanager
def naming(family: str, settings: Mapping[str, Parameter]) -> Iterator[None]:
    """Raise FitRefusedError, with the settings that a spec gives a family, when a fit fails because of them.

    An estimator that takes a value when it is fitted may fail with it when it predicts. What fails without such
    settings, in a family of ours, is a defect and raised as it is.
    """
    shown = ", ".join(f"{name}: {json.dumps(value)}" for name, value in settings.items())
    try:
        yield
    except FitRefusedError as error:
        raise FitRefusedError(f"{error.message} (with {shown})" if shown else error.message) from error
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        if not shown and family in FAMILIES:
            raise
        what = f"{family} with {shown}" if shown else family
        raise FitRefusedError(f"{what} fails: {type(error).__name__}: {str(error)[:MAX_REASON]}") from error
