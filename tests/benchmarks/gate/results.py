"""The section on gate and judge, and the targets that they are held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks import sections
from tests.benchmarks.targets import Target, table
from tests.support.gate.traffic import ENDINGS, PROMOTED, STREAMS, Stream
from tests.support.gate.trials import MUCH_WORSE, ROWS, WORSE, Rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.gate.trials import Scenario

    type Firsts = Mapping[str, Mapping[str, Rate]]

GROWN, FRESH, NOISY = "grown by 10 %", "fresh sample, same world", "20 % of labels wrong, fresh"
HIDDEN = ("shuffled labels", "inverted labels")
BUSY = 20_000


def targets(measured: Sequence[Scenario], firsts: Firsts) -> list[Target]:
    """Return what was promised of the rates; "at most 5 %" is held by the upper bound, which may be 8 %."""
    named = {scenario.name: scenario for scenario in measured}
    worst = max((_worse(measured, stream, MUCH_WORSE) for stream in STREAMS), key=lambda rate: rate.high)
    blind = [_unsure_champions(scenario) for scenario in measured]
    grown = min(named[GROWN].ended(stream, PROMOTED).share for stream in STREAMS if _decides(stream))
    hidden = sum(named[name].served().hits for name in HIDDEN)
    noisy = max(_worse([named[NOISY]], stream, 0.0).hits for stream in STREAMS)
    shuffled = firsts["shuffled labels"]["release"].hits
    return [
        Target("truly worse by 5 % or more ends as champion, worst stream, upper bound", 100 * worst.high, 8, "%"),
        Target("an unsure version ends as champion without labels", sum(blind), 0, "times"),
        Target("shuffled or inverted labels reach a caller", hidden, 0, "times"),
        Target("a successor with 20 % of its labels wrong ends as champion", noisy, 0, "times"),
        Target("a fresh sample is wrongly rejected", 100 * named[FRESH].wrongly_rejected().share, 2, "%"),
        Target(f"a table grown by 10 % ends as champion, of {BUSY:,} labelled rows a day", 100 * grown, 50, "%", True),
        Target("a first version of shuffled labels is released", shuffled, 0, "times"),
    ]


def _decides(stream: Stream) -> bool:
    return stream == Stream(BUSY, 1.0, 0)


def _worse(measured: Sequence[Scenario], stream: Stream, harm: float) -> Rate:
    rates = [scenario.worse_champions(stream, harm) for scenario in measured]
    return Rate(sum(rate.hits for rate in rates), sum(rate.of for rate in rates))


def _unsure_champions(scenario: Scenario) -> int:
    blind = [place for place, stream in enumerate(scenario.streams) if not stream.labels_come]
    endings = [repeat.endings[place] for repeat in scenario.repeats for place in blind]
    return sum(ending.unsure and ending.what == PROMOTED for ending in endings)


def section(measured: Sequence[Scenario], firsts: Firsts, repeats: int) -> str:
    """Return the section of RESULTS.md."""
    lines = [
        sections.machine(),
        "",
        *table(targets(measured, firsts)),
        "",
        "### What the gate says of a successor",
        "",
        f"{repeats} repeats of each, half from {ROWS[0]:,} and half from {ROWS[1]:,} rows of a made-up world, a fifth",
        "of them held out; two fits on the same rows differ, as those of trees do. *Harm*: by how much the successor's",
        "true loss is greater than the champion's, median and middle 80 %. In brackets: 95 % bounds (Clopper and",
        "Pearson). *Wrongly rejected*: of those that are not worse by more than the margin of 1 %.",
        "",
        "| re-upload | harm | released | unsure | asked | rejected | wrongly rejected |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *map(_gate_row, measured),
        "",
        "### Who ends as champion",
        "",
        "Gate, then the judge with the default policy (10 % of the requests, baked for an hour, margin 0.01), by rows",
        "a day, share of labels and days until they come. *Worse*: of the successors that are truly worse by so much,",
        "of all uploads above. *Answered*: requests that a successor answered, on average, that is truly worse by 1 %.",
        "",
        "| stream | worse by 1 % | worse by 5 % | grown by 10 % | twice the rows | better than before | answered |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_stream_row(measured, stream) for stream in STREAMS),
        "",
        "### How a table that grew by 10 % ends",
        "",
        f"| stream | {' | '.join(ENDINGS)} |",
        f"|---|{'---:|' * len(ENDINGS)}",
        *(_endings_row(measured, stream) for stream in STREAMS),
        "",
        "### First versions",
        "",
        "Rows that are not held out are answered by models of the other four folds.",
        "",
        "| table | released | offered to a person | rejected |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {' | '.join(map(_shown, rates.values()))} |" for name, rates in firsts.items()),
    ]
    return "\n".join(lines)


def _gate_row(scenario: Scenario) -> str:
    low, middle, high = np.percentile([100 * repeat.harm for repeat in scenario.repeats], [10, 50, 90])
    words = [_shown(scenario.gate(word)) for word in ("release", "unsure", "approve", "reject")]
    wrong = scenario.wrongly_rejected()
    harm = f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})"
    return f"| {scenario.name} | {harm} | {' | '.join(words)} | {_shown(wrong) if wrong.of else 'none'} |"


def _stream_row(measured: Sequence[Scenario], stream: Stream) -> str:
    named = {scenario.name: scenario for scenario in measured}
    good = [named[name].ended(stream, PROMOTED) for name in (GROWN, "twice the rows", "better: weak model before")]
    worse = [_worse(measured, stream, harm) for harm in (WORSE, MUCH_WORSE)]
    place = STREAMS.index(stream)
    bad = [repeat.endings[place].answered for one in measured for repeat in one.repeats if repeat.harm >= WORSE]
    return f"| {_named(stream)} | {' | '.join(map(_shown, (*worse, *good)))} | {np.mean(bad):,.0f} |"


def _endings_row(measured: Sequence[Scenario], stream: Stream) -> str:
    grown = next(scenario for scenario in measured if scenario.name == GROWN)
    return f"| {_named(stream)} | {' | '.join(_shown(grown.ended(stream, what)) for what in ENDINGS)} |"


def _named(stream: Stream) -> str:
    labels = f"{stream.labelled:.0%} labelled after {stream.delay_days} days" if stream.labels_come else "no labels"
    return f"{stream.rows_a_day:,} rows, {labels}"


def _shown(rate: Rate) -> str:
    return f"{rate.share:.1%} ({rate.low:.1%} to {rate.high:.1%})"
