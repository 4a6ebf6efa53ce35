"""The gate: may a freshly fitted version serve? A pure decision on evidence that is plain data.

Every comparison is of losses (lower is better) on the same rows. A version is released when it is surely better than
the trivial model, and surely not worse than the champion by more than the margin: on the new holdout, on the rows that
the champion itself was held to, and there than the best version so far, so that many small steps down cannot add up. It
is rejected when one of these is surely the other way, by bounds that together err in at most 1 %. Between both it is
unsure: a first version waits for a person, a successor goes on as a trial that only labels can win. A person must say
yes where the world, the labels or the schema seem to have changed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from modelloop.spec.sections import MARGIN
from modelloop.versions.certainty import doubt_of_above, doubt_of_below, rows_to_decide, surely
from modelloop.versions.evidence import ChampionEvidence, Check, LossComparison, Usefulness, shown
from modelloop.versions.review_checks import labels_regrouped, labels_suspected, review_checks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RELEASE, REJECT, APPROVE = "release", "reject", "approve"
PASSED, FAILED, UNSURE, APPROVAL, SKIPPED = "passed", "failed", "unsure", "approval", "skipped"
SMALL_FIRST, SMALL_SUCCESSOR = 20, 200
BEST_ON_HOLDOUT = "best_on_holdout"
CHANCE_OF_FALSE_REJECTION = 0.01  # over all comparisons together
CHANCE_OF_FALSE_USE = 0.001  # that a version is called better than the trivial model and is not
NORMAL_OF_FALSE_USE = 3.0902323061678132  # the quantile of the normal distribution that this chance lies beyond
_NOTHING_KNOWN = Usefulness()


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Release, reject or approve (a person must say yes), with everything that led to it.

    `unsure` marks a release that is neither surely as good as the champion nor surely worse by more than `margin`, a
    share of the champion's loss; `rows_to_decide` says how many rows or labels would tell (None: not known).
    """

    decision: str
    checks: tuple[Check, ...]
    comparisons: tuple[LossComparison, ...]
    reasons: tuple[str, ...]
    unsure: bool = False
    margin: float = MARGIN
    rows_to_decide: int | None = None

    def with_review_checks(self, checks: Sequence[Check]) -> GateDecision:
        """Return the decision after further checks that ask for approval: they turn a release into an approval."""
        if not checks:
            return self
        details = tuple(check.detail for check in checks)
        every = (*self.checks, *checks)
        if self.decision == RELEASE:
            return replace(self, decision=APPROVE, checks=every, reasons=details, unsure=False)
        return replace(self, checks=every, reasons=(*self.reasons, *details))

    def to_json(self) -> dict[str, Any]:
        """Return the document that runs, manifests and reports show."""
        trial = {"unsure": True, "margin": self.margin, "rows_to_decide": self.rows_to_decide} if self.unsure else {}
        return {
            "decision": self.decision,
            "checks": [check.to_json() for check in self.checks],
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "reasons": list(self.reasons),
            **trial,
        }


def decision_from_json(document: Mapping[str, Any]) -> GateDecision:
    """Return a stored decision; raise KeyError or TypeError when it is damaged. Older ones were never unsure."""
    checks = (Check(check["name"], check["outcome"], check["detail"]) for check in document["checks"])
    comparisons = (LossComparison(**comparison) for comparison in document["comparisons"])
    trial = {name: document[name] for name in ("unsure", "margin", "rows_to_decide") if name in document}
    reasons = tuple(document["reasons"])
    return GateDecision(document["decision"], tuple(checks), tuple(comparisons), reasons, **trial)


def decide(
    trivial: LossComparison,
    champion: ChampionEvidence | None,
    *,
    margin: float = MARGIN,
    usefulness: Usefulness = _NOTHING_KNOWN,
) -> GateDecision:
    """Decide on a candidate by its comparison with the trivial model and, if there is one, with the champion.

    `usefulness` is what more is known of a first version; a successor is measured by its champion.
    """
    reviewed = [] if champion is None else list(review_checks(champion))
    asked = [] if champion is None else _questions(champion, reviewed)
    shown_useful = usefulness if champion is None else _NOTHING_KNOWN
    useful = shown_useful.out_of_fold or trivial
    disproved = _surely_worse(useful, asked, margin)
    better = _better_than_trivial(trivial, shown_useful, worse=disproved[0], first=champion is None)
    checks = [better, _large_enough(trivial.rows, first=champion is None)]
    pooled = {question.pool: question.within(margin) for question in asked if question.is_pool}
    answered = [
        (question, _answer(question, margin, worse=worse, pooled=pooled.get(question.pool, False)))
        for question, worse in zip(asked, disproved[1:], strict=True)
    ]
    checks += [*(check for _, check in answered), *reviewed]
    compared = [trivial, shown_useful.out_of_fold, *_compared(champion)]
    comparisons = tuple(comparison for comparison in compared if comparison is not None)
    rows = [rows_to_decide(useful, 0.0, NORMAL_OF_FALSE_USE)] if better.outcome == UNSURE else []
    rows += [question.rows_to_decide(margin) for question, check in answered if check.outcome == UNSURE]
    repeated = _repeated(asked)
    well = "better than the trivial model" + ("" if champion is None else ", not worse than the champion")
    return _conclude(tuple(checks), comparisons, margin, rows, well, repeated)


@dataclass(frozen=True, slots=True)
class _Question:
    """Is the candidate worse than `whom`? A `disputed` comparison may be unfair, so it cannot refuse the candidate.

    `pool` names the questions that rows together can answer; the one that `is_pool` asks about these rows.
    """

    name: str
    comparison: LossComparison | None
    whom: str
    disputed: bool
    pool: str
    is_pool: bool = False

    def within(self, margin: float) -> bool:
        """Return whether the candidate is surely not worse by more than the margin."""
        return self.comparison is not None and self.comparison.not_worse(margin)

    def doubt(self, margin: float) -> float:
        """Return the p-value of the candidate being worse by at most the margin."""
        return 1.0 if self.comparison is None else doubt_of_above(self.comparison, self._allowed(margin))

    def rows_to_decide(self, margin: float) -> int | None:
        """Return how many rows would show that the candidate is as good."""
        return None if self.comparison is None else rows_to_decide(self.comparison, self._allowed(margin))

    def _allowed(self, margin: float) -> float:
        return 0.0 if self.comparison is None else margin * abs(self.comparison.reference)

    def figures(self, margin: float) -> str:
        """Return what was measured, in words."""
        found = self.comparison
        if found is None:
            return ""
        return (
            f"{found.metric} {shown(found.candidate)} against {shown(found.reference)} ({found.rows:,} rows; "
            f"difference {shown(found.low)} to {shown(found.high)}, allowed {shown(self._allowed(margin))})"
        )


def _questions(champion: ChampionEvidence, reviewed: Sequence[Check]) -> list[_Question]:
    """Return what to ask; where labels changed, old rows (with other classes or sides, all) cannot refuse."""
    if not champion.same_task:
        return []
    unfair = labels_regrouped(reviewed) or not champion.same_split
    changed, best = unfair or labels_suspected(reviewed), champion.best
    questions = [
        _Question("champion_on_holdout", champion.holdout, "the champion on the new holdout", unfair, "champion"),
        _Question("champion_on_anchor", champion.anchor, "the champion on its own holdout", changed, "champion"),
    ]
    if best is not None and best.name == BEST_ON_HOLDOUT:
        whom = "the best version so far on the new holdout"
        questions.append(_Question(BEST_ON_HOLDOUT, best, whom, unfair, "best"))
    else:
        whom = "the best version so far on the champion's holdout"
        questions.append(_Question("best_on_anchor", best, whom, changed, "best"))
    if changed:  # rows that mean different things cannot be counted together
        return questions
    together = "on both holdouts together"
    pools = [
        _Question("champion_on_both", champion.pooled, f"the champion {together}", False, "champion", True),
        _Question("best_on_both", champion.best_pooled, f"the best version so far {together}", False, "best", True),
    ]
    return questions + [question for question in pools if question.comparison is not None]


def _surely_worse(useful: LossComparison, asked: Sequence[_Question], margin: float) -> list[bool]:
    """Return whether the candidate is surely no better than the trivial model, and surely worse in each question.

    One comparison that answers several questions is asked once. A disputed one has the same bound, and rejects nothing.
    """
    distinct = {_identity(useful): doubt_of_above(useful, 0.0)}
    for question in asked:
        if question.comparison is not None:
            distinct.setdefault(_identity(question.comparison), question.doubt(margin))
    sure = dict(zip(distinct, surely(list(distinct.values()), CHANCE_OF_FALSE_REJECTION), strict=True))
    found = [question.comparison is not None and sure[_identity(question.comparison)] for question in asked]
    return [sure[_identity(useful)], *found]


def _details(checks: Sequence[Check], outcome: str, repeated: Mapping[str, str]) -> tuple[str, ...]:
    """Return what checks of one outcome say; of those about one comparison only what the first says."""
    found = sorted((check for check in checks if check.outcome == outcome), key=lambda check: "_on_" in check.name)
    names = {check.name for check in found}
    return tuple(check.detail for check in found if repeated.get(check.name) not in names)


def _repeated(asked: Sequence[_Question]) -> dict[str, str]:
    """Return, for questions about the comparison of an earlier one (the champion may be the best), that one's name."""
    known: dict[tuple[float, ...], str] = {}
    repeated = {}
    for question in asked:
        if question.comparison is not None:
            first = known.setdefault(_identity(question.comparison), question.name)
            if first != question.name:
                repeated[question.name] = first
    return repeated


def _identity(comparison: LossComparison) -> tuple[float, ...]:
    return (comparison.rows, comparison.candidate, comparison.reference, comparison.low, comparison.high)


def _better_than_trivial(trivial: LossComparison, usefulness: Usefulness, *, worse: bool, first: bool) -> Check:
    name, found = "better_than_trivial", usefulness.out_of_fold or trivial
    figures = (
        f"{found.metric} {shown(found.candidate)} against {shown(found.reference)} on {found.rows:,} "
        f"{'holdout rows' if usefulness.out_of_fold is None else 'rows that it had not seen'}"
    )
    if any(surely_better(comparison) for comparison in (trivial, usefulness.out_of_fold)):
        return Check(name, PASSED, f"better than the trivial model: {figures}")
    if usefulness.ranks:
        figures += f"; but it does rank the rows (ROC AUC {shown(usefulness.auc or 0.0)})"
    elif worse:
        return Check(name, FAILED, f"no better than the trivial model: {figures}")
    detail = (
        f"not surely better than the trivial model: {figures}{_needed(rows_to_decide(found, 0.0, NORMAL_OF_FALSE_USE))}"
    )
    return Check(name, APPROVAL if first else UNSURE, detail)


def surely_better(comparison: LossComparison | None) -> bool:
    """Return whether the candidate beats the trivial model by a bound that errs once in a thousand."""
    return comparison is not None and doubt_of_below(comparison, 0.0) <= CHANCE_OF_FALSE_USE


def _large_enough(rows: int, *, first: bool) -> Check:
    least = SMALL_FIRST if first else SMALL_SUCCESSOR
    if rows >= least:
        return Check("holdout_size", PASSED, f"the holdout has {rows} rows")
    what = f"a first version below {least} needs approval" if first else f"a successor below {least} is unsure"
    return Check("holdout_size", APPROVAL if first else UNSURE, f"the holdout has {rows} rows; {what}")


def _answer(question: _Question, margin: float, *, worse: bool, pooled: bool) -> Check:
    """Return the answer; rows together answer what each part of them leaves open."""
    name, whom, figures = question.name, question.whom, question.figures(margin)
    if question.comparison is None:
        return Check(name, SKIPPED, f"no rows to compare with {whom}")
    if worse and question.disputed:
        return Check(name, APPROVAL, f"worse than {whom}, perhaps because rows, labels or the world changed: {figures}")
    if worse:
        return Check(name, FAILED, f"worse than {whom}: {figures}")
    if question.within(margin) or pooled:
        return Check(name, PASSED, f"as good as {whom}: {figures}")
    return Check(name, UNSURE, f"not surely as good as {whom}: {figures}{_needed(question.rows_to_decide(margin))}")


def _needed(rows: int | None) -> str:
    return "" if rows is None else f"; about {rows:,} rows would decide"


def _compared(champion: ChampionEvidence | None) -> tuple[LossComparison | None, ...]:
    if champion is None:
        return ()
    pools = (champion.pooled, champion.best_pooled)
    return (champion.holdout, champion.anchor, champion.best, champion.champion_vs_trivial, *pools)


def _conclude(
    checks: tuple[Check, ...],
    comparisons: tuple[LossComparison, ...],
    margin: float,
    rows: Sequence[int | None],
    well: str,
    repeated: Mapping[str, str],
) -> GateDecision:
    """Return the decision; `well` is the reason of a release that nothing speaks against.

    The reasons have what decides first: signs of a change before the comparisons that these put in doubt, and nothing
    that is `repeated` under another name.
    """
    failed, approval, unsure = (_details(checks, outcome, repeated) for outcome in (FAILED, APPROVAL, UNSURE))
    if failed or approval:
        return GateDecision(REJECT if failed else APPROVE, checks, comparisons, failed + approval)
    if not unsure:
        return GateDecision(RELEASE, checks, comparisons, (well,))
    needed = max((count for count in rows if count is not None), default=SMALL_SUCCESSOR)
    summary = f"neither surely worse than the champion nor surely as good{_needed(max(needed, SMALL_SUCCESSOR))}"
    reasons = (summary, *unsure)
    return GateDecision(RELEASE, checks, comparisons, reasons, True, margin, max(needed, SMALL_SUCCESSOR))
