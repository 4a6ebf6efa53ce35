"""Which fits to try: the predecessor's settings, the families with their defaults, and random draws when asked for.

Draws are fitted on a growing share of the rows, and only the better third of them goes on (successive halving, after
Jamieson and Talwalkar, 2016). What is tried depends on the table's seed alone; how far it comes, on the clock: so the
completed trials are recorded, and a repeated run fits the recorded winner instead of searching again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sklearn.model_selection import ParameterSampler

from trainer.families.catalogue import families_for, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.contracts.manifest_parts import TrialRecord
    from modelloop.spec.fields import Parameter
    from modelloop.spec.model import Spec
    from trainer.table import PreparedTable

DEFAULT_TRIALS = 20
MIN_ROWS = 500
KEEP = 3
MAX_ROUNDS = 3
PREDECESSOR, SPEC, DRAWN = "predecessor", "spec", "drawn"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One family with one setting of its parameters; `origin` says who named it: predecessor, spec or drawn."""

    family: str
    params: dict[str, Parameter] = field(default_factory=dict)
    origin: str = field(default=SPEC, compare=False)


def candidate_of(trial: TrialRecord) -> Candidate:
    """Return what a trial tried."""
    return Candidate(trial.family, trial.params, trial.origin)


def given_params(spec: Spec, family: str) -> dict[str, Parameter]:
    """Return the parameters that a spec fixes for a family."""
    return dict(spec.params.get(family, {}))


def candidates(table: PreparedTable, predecessors: Sequence[Candidate] = ()) -> list[Candidate]:
    """Return what to try, each once: the predecessor's settings, each family as the spec sets it, then random draws.

    There are as many draws as it takes to the number of trials asked for.
    """
    names = list(table.spec.families)
    fixed = {name: given_params(table.spec, name) for name in names}
    search = table.spec.search
    wanted = search.trials or (DEFAULT_TRIALS if search.is_asked else 0)
    chosen: list[Candidate] = []
    for predecessor in predecessors:
        chosen += _others(table.task, [predecessor], chosen)
    chosen += _others(table.task, [Candidate(name, fixed[name]) for name in names], chosen)
    for candidate in _draws(table, names, fixed, wanted):
        if len(chosen) < wanted:
            chosen += _others(table.task, [candidate], chosen)
    return chosen


def _others(task: str, offered: list[Candidate], chosen: list[Candidate]) -> list[Candidate]:
    return [candidate for candidate in offered if not any(_same(task, candidate, other) for other in chosen)]


def _same(task: str, left: Candidate, right: Candidate) -> bool:
    """Return whether two candidates are one fit: defaults count, whether they are spelled out or not."""
    if left.family != right.family:
        return False
    return settings_of(left.family, task, left.params) == settings_of(right.family, task, right.params)


def _draws(
    table: PreparedTable, names: list[str], fixed: Mapping[str, dict[str, Parameter]], wanted: int
) -> list[Candidate]:
    """Return draws of all families in turn."""
    by_family = []
    for family in families_for(table.task):
        if family.name not in names or not (space := family.open_space(fixed[family.name])):
            continue
        sampler = ParameterSampler(space, n_iter=min(wanted, _size(space)), random_state=table.seed)
        by_family.append([Candidate(family.name, {**fixed[family.name], **draw}, DRAWN) for draw in sampler])
    longest = max(map(len, by_family), default=0)
    return [drawn[turn] for turn in range(longest) for drawn in by_family if turn < len(drawn)]


def _size(space: Mapping[str, list[Parameter]]) -> int:
    size = 1
    for values in space.values():
        size *= len(values)
    return size


def round_sizes(rows: int, candidate_count: int) -> list[int]:
    """Return the rows to fit on, round by round, the last being all; few candidates or rows have one round."""
    sizes = [rows]
    while len(sizes) < MAX_ROUNDS and candidate_count > KEEP ** len(sizes) and sizes[0] // KEEP >= MIN_ROWS:
        sizes.insert(0, sizes[0] // KEEP)
    return sizes
