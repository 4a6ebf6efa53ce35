"""The figures as a section: targets first, then the tables behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks import sections
from tests.benchmarks.serving.models import TITLES
from tests.benchmarks.targets import Target, table

if TYPE_CHECKING:
    from tests.benchmarks.serving.blends import BlendTimings
    from tests.benchmarks.serving.cold import Loop, Starts
    from tests.benchmarks.serving.warm import Timing, Warm

MANY = {"linear": 1.0, "hist_gradient_boosting": 0.5, "random_forest": 1 / 0.75}
OURS = "times ours"
NAMES = {
    "constant": "constant answer, Powertools Logger",
    "ours": "Modelloop",
    "usual": "boto3 + joblib + scikit-learn, with bytecode",
    "usual-bare": "the same without bytecode",
}


def targets(starts: dict[str, Starts], warms: list[Warm], blend: BlendTimings) -> list[Target]:
    """Return every target with its figure."""
    ours = starts["ours"].typical
    found = [
        Target("cold start against a constant answer", ours / starts["constant"].typical, 2.5, "times"),
        Target("cold start, usual handler with bytecode", starts["usual"].typical / ours, 8, OURS, at_least=True),
        Target("cold start, usual handler without", starts["usual-bare"].typical / ours, 25, OURS, at_least=True),
        Target("peak memory", starts["ours"].peak, 90, "MB"),
    ]
    for warm in warms:
        title = TITLES[warm.family].split(",")[0]
        found += [
            Target(f"one row against its floor: {title}", warm.ours.typical / warm.floor.typical, 3, "times"),
            Target(f"one row, usual handler: {title}", warm.usual.typical / warm.ours.typical, 25, OURS, at_least=True),
            Target(
                f"1,000 rows against scikit-learn on a ready DataFrame: {title}",
                warm.served.typical / warm.ready.typical,
                MANY[warm.family],
                "times",
                why=_why_many(warm),
            ),
        ]
    return [*found, Target("one row of a blend against its members' rows", blend.against_members, 1.1, "times")]


def _why_many(warm: Warm) -> str:
    served, encoded, ready = (timing.typical / 1e3 for timing in (warm.served, warm.encoded, warm.ready))
    return (
        f"{encoded:.1f} of our {served:.1f} ms check and encode Python values, which its DataFrame holds as typed "
        f"arrays; the model alone takes {(served - encoded) / ready:.2f} of its {ready:.1f} ms"
    )


def section(starts: dict[str, Starts], loops: dict[str, Loop], warms: list[Warm], blend: BlendTimings) -> str:
    """Return the results in Markdown."""
    lines = [
        f"{sections.machine()} Medians.",
        "",
        "![Cold start and warm answer against the usual handler](serving.svg)",
        "",
        *table(targets(starts, warms, blend)),
        "",
        "### Cold start",
        "",
        "Process start to the first answer under `awslambdaric`, pointer and model fetched from an S3 endpoint on this",
        "machine; histogram gradient boosting on 20 columns. The constant handler fetches nothing.",
        "",
        "| handler | ms | lowest | highest | peak MB | starts |",
        "|---|---:|---:|---:|---:|---:|",
        *(_start_row(name, start) for name, start in starts.items()),
        "",
        "### After the response",
        "",
        "Through the Runtime API, one row: until the answer, and until the environment may sleep (captures delivered).",
        "",
        "| | answer ms | environment busy ms |",
        "|---|---:|---:|",
        *(f"| {name} | {loop.answered:.2f} | {loop.busy:.2f} |" for name, loop in loops.items()),
        "",
        "### Warm",
        "",
        "Gateway event in to response out, one process. The floor parses, encodes, evaluates and serialises the same",
        "request with nothing else: no checks, no versions, no log line, no metrics.",
        "",
        "| one row, µs (p99) | floor | Modelloop | usual handler |",
        "|---|---:|---:|---:|",
        *(f"| {TITLES[w.family]} | {_us(w.floor)} | {_us(w.ours)} | {_us(w.usual)} |" for w in warms),
        "",
        "The yardstick for 1,000 rows is `predict_proba` of the same pipeline, fitted on a pandas DataFrame and given",
        "one of typed columns: nothing is parsed, no table is built, one thread. Ours starts from the parsed request,",
        "columns as lists of Python values: it checks and encodes every cell, then evaluates the model.",
        "",
        "| 1,000 rows, ms | Modelloop, JSON to JSON | usual, JSON to JSON | ours, parsed | its encoding | DataFrame |",
        "|---|---:|---:|---:|---:|---:|",
        *(_many_row(warm) for warm in warms),
        "",
        "### A blend beside its members",
        "",
        "The engine alone, on vectors: each member and the blend of both in turn.",
        "",
        "| | one row, µs (p99) | 1,000 rows, ms |",
        "|---|---:|---:|",
        *(
            f"| {TITLES.get(name, name)} | {_us(blend.one[name])} | {blend.many[name].typical / 1e3:.2f} |"
            for name in blend.one
        ),
        "",
        "### Files",
        "",
        "| file, kB | Modelloop bundle | joblib |",
        "|---|---:|---:|",
        *(f"| {TITLES[w.family]} | {w.bundle_bytes / 1e3:,.0f} | {w.pickle_bytes / 1e3:,.0f} |" for w in warms),
        "",
    ]
    return "\n".join(lines)


def _start_row(name: str, start: Starts) -> str:
    low, high = min(start.milliseconds), max(start.milliseconds)
    count = len(start.milliseconds)
    return f"| {NAMES[name]} | {start.typical:,.0f} | {low:,.0f} | {high:,.0f} | {start.peak:.0f} | {count} |"


def _us(timing: Timing) -> str:
    return f"{timing.typical:,.0f} ({timing.p99:,.0f})"


def _many_row(warm: Warm) -> str:
    timings = (warm.many_ours, warm.many_usual, warm.served, warm.encoded, warm.ready)
    cells = " | ".join(f"{timing.typical / 1e3:,.1f}" for timing in timings)
    return f"| {TITLES[warm.family]} | {cells} |"
