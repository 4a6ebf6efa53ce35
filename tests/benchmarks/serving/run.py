"""All serving measurements in one run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tests.benchmarks.serving import cold, endpoint, models, plot, runtimes, warm

if TYPE_CHECKING:
    from tests.benchmarks.serving.cold import Loop, Starts
    from tests.benchmarks.serving.warm import Warm


def measure() -> tuple[dict[str, Starts], dict[str, Loop], list[Warm], str]:
    """Return cold starts, the Runtime API loop with captures after and before the answer, warm figures, a picture."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    _tell("building and laying out")
    kinds = runtimes.prepare()
    contenders = {family: models.contender(family) for family in models.FAMILIES}
    served = contenders["hist_gradient_boosting"]
    request = cold.event(served)
    with endpoint.endpoint() as address:
        variables = endpoint.fill(address, served, warm.pickle(served))
        _tell("cold starts")
        starts = cold.starts(kinds, variables, request)
        _tell("the runtime loop")
        loops = {
            "constant answer": cold.loop(kinds["constant"], variables, request),
            "Modelloop, captures after the response": cold.loop(kinds["ours"], variables, request),
            "Modelloop, captures linger for a second": cold.loop(
                kinds["ours"], variables | {"MODELLOOP_CAPTURE_LINGER": "1"}, request
            ),
            "Modelloop, captures before the response": cold.loop(
                kinds["ours"], variables | {"MODELLOOP_CAPTURE_MODE": "before"}, request
            ),
        }
    warms = []
    for family, contender in contenders.items():
        _tell(f"warm: {models.TITLES[family]}")
        warms.append(warm.measure(contender))
    return starts, loops, warms, plot.draw(starts, warms)


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
