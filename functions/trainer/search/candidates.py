"""Which fits to try: what the predecessor was, the families with their defaults, and random draws when asked for.

Draws are fitted on a growing share of the rows, and only the better third of them goes on (successive halving, after
Jamieson and Talwalkar, 2016). What is tried depends on the table's seed alone; how far it comes, on the clock: so the
completed trials are recorded, and a repeated run fits the recorded winner instead of searching again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import ceil, isnan
from typing import TYPE_CHECKING, Any

from sklearn.model_selection import ParameterSampler

from trainer.families import families_for, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.spec.model import Spec
    from trainer.table import PreparedTable

DEFAULT_TRIALS = 20
FEWEST_ROWS = 500
KEEP = 3
MOST_RUNGS = 3
PREDECESSOR, SPEC, DRAWN = "predecessor", "spec", "drawn"
RISING = frozenset({"roc_auc", "pr_auc", "accuracy", "f1", "r2"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One family with one setting of its parameters; `origin` says who named it: predecessor, spec or chance."""

    family: str
    params: dict[str, Any] = field(default_factory=dict)
    origin: str = field(default=SPEC, compare=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """One completed fit: on how many rows, its score on the validation part, and the seconds it took.

    The score is NaN where the metric is not defined, and with an `error`: what the estimator refused.
    """

    family: str
    params: dict[str, Any]
    rows: int
    score: float
    seconds: float
    error: str | None = None
    origin: str = SPEC

    @property
    def candidate(self) -> Candidate:
        """Return what was tried."""
        return Candidate(self.family, self.params, self.origin)

    def to_json(self) -> dict[str, Any]:
        """Return the document that the manifest carries."""
        return {**asdict(self), "score": None if isnan(self.score) else self.score, "seconds": round(self.seconds, 3)}


def trial_from_json(document: Mapping[str, Any]) -> Trial:
    """Read a recorded trial."""
    return Trial(**{**document, "score": float("nan") if document["score"] is None else document["score"]})


def given(spec: Spec, family: str) -> dict[str, Any]:
    """Return the parameters that a spec fixes for a family."""
    return dict(spec.params.get(family, {}))


def candidates(table: PreparedTable, predecessor: Candidate | None = None) -> list[Candidate]:
    """Return what to try, each once: the predecessor's settings, each family as the spec sets it, then random draws.

    There are as many draws as it takes to the number of trials asked for.
    """
    names = list(table.spec.families)
    fixed = {name: given(table.spec, name) for name in names}
    search = table.spec.search
    wanted = search.trials or (DEFAULT_TRIALS if search.is_asked else 0)
    found = [] if predecessor is None else [predecessor]
    found += _others(table.task, [Candidate(name, fixed[name]) for name in names], found)
    for candidate in _draws(table, names, fixed, wanted):
        if len(found) < wanted:
            found += _others(table.task, [candidate], found)
    return found


def _others(task: str, candidates: list[Candidate], known: list[Candidate]) -> list[Candidate]:
    return [one for one in candidates if not any(_same(task, one, other) for other in known)]


def _same(task: str, one: Candidate, other: Candidate) -> bool:
    """Tell whether two candidates are one fit: defaults count, whether they are spelled out or not."""
    if one.family != other.family:
        return False
    return settings_of(one.family, task, one.params) == settings_of(other.family, task, other.params)


def _draws(table: PreparedTable, names: list[str], fixed: Mapping[str, dict[str, Any]], wanted: int) -> list[Candidate]:
    """Return draws of all families in turn."""
    by_family = []
    for family in families_for(table.task):
        if family.name not in names or not (space := family.open_space(fixed[family.name])):
            continue
        sampler = ParameterSampler(space, n_iter=min(wanted, _size(space)), random_state=table.seed)
        by_family.append([Candidate(family.name, {**fixed[family.name], **draw}, DRAWN) for draw in sampler])
    longest = max(map(len, by_family), default=0)
    return [drawn[turn] for turn in range(longest) for drawn in by_family if turn < len(drawn)]


def _size(space: Mapping[str, list[Any]]) -> int:
    size = 1
    for values in space.values():
        size *= len(values)
    return size


def rungs(rows: int, many: int) -> list[int]:
    """Return the rows to fit on, rung by rung, the last being all; few candidates or rows have one rung."""
    sizes = [rows]
    while len(sizes) < MOST_RUNGS and many > KEEP ** len(sizes) and sizes[0] // KEEP >= FEWEST_ROWS:
        sizes.insert(0, sizes[0] // KEEP)
    return sizes


def survivors(metric: str, trials: list[Trial]) -> list[Candidate]:
    """Return the better third of what could be fitted on one rung, best first; of equals the earlier."""
    ranked = sorted((trial for trial in trials if trial.error is None), key=lambda trial: _rank(metric, trial))
    return [trial.candidate for trial in ranked[: ceil(len(ranked) / KEEP)]]


def expected_seconds(candidate: Candidate, trials: list[Trial], rows: int) -> float:
    """Return how long a candidate will take on `rows` rows, in proportion to its last trial; 0 without one."""
    last = next((trial for trial in reversed(trials) if trial.candidate == candidate), None)
    return 0.0 if last is None else last.seconds * rows / last.rows


def surest_first(chosen: list[Candidate], trials: list[Trial], rows: int, seconds: float) -> list[Candidate]:
    """Return the candidates with the one first that is fitted whatever comes: the best that will end in time.

    It is the quickest when none will.
    """
    if not chosen:
        return []
    expected = [expected_seconds(candidate, trials, rows) for candidate in chosen]
    in_time = [place for place, needed in enumerate(expected) if needed <= seconds]
    first = in_time[0] if in_time else expected.index(min(expected))
    return [chosen[first], *chosen[:first], *chosen[first + 1 :]]


def best(metric: str, trials: list[Trial]) -> Trial:
    """Return the best of some trials; of equals the earlier."""
    return min(trials, key=lambda trial: _rank(metric, trial))


def _rank(metric: str, trial: Trial) -> tuple[bool, float]:
    """Return what grows as trials get worse: a refused one is worse than one whose score is not defined."""
    if isnan(trial.score):
        return trial.error is not None, float("inf")
    return False, -trial.score if metric in RISING else trial.score
