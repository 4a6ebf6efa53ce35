"""All serving measurements in one run: cold starts, the Runtime API loop, warm figures."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tests.benchmarks import sections
from tests.benchmarks.serving import blends, cold, endpoint, models, plot, results, runtimes, warm

if TYPE_CHECKING:
    from tests.benchmarks.targets import Target

PICTURE = sections.PAGE.parent / "serving.svg"


def run() -> list[Target]:
    """Measure, write the section and the picture beside it, and return the targets."""
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
    _tell("a blend beside its members")
    blend = blends.measure()
    sections.record("serving", results.section(starts, loops, warms, blend))
    PICTURE.write_text(plot.draw(starts, warms))
    return results.targets(starts, warms, blend)


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
