from __future__ import annotations

from dataclasses import replace

import pytest

from modelloop.versions.evidence import ChampionEvidence, Check, LabelDistribution, LossComparison, Usefulness
from modelloop.versions.gate import GateDecision, decide, decision_from_json

GOOD = LossComparison("trivial", "log_loss", 1000, 0.40, 0.69, -0.33, -0.25)
EVEN = LossComparison("champion_on_holdout", "log_loss", 1000, 0.400, 0.401, -0.004, 0.002)
WORSE = replace(EVEN, candidate=0.42, low=0.014, high=0.024)
LABELS = LabelDistribution(5000, {"no": 2500, "yes": 2500})
CALM = ChampionEvidence(
    holdout=EVEN, anchor=EVEN, best=EVEN,
    champion_vs_trivial=replace(EVEN, candidate=0.401, low=-0.3, high=-0.2), score=0.4,
    labels_before=LABELS, labels_now=LABELS,
)  # fmt: skip


def test_a_first_version_needs_to_beat_the_trivial_model_only() -> None:
    assert decide(GOOD, None).decision == "release"


USELESS = replace(GOOD, candidate=0.75, low=0.03, high=0.09)
WEAK = replace(GOOD, rows=711, candidate=0.338, reference=0.350, low=-0.025, high=0.001)


@pytest.mark.parametrize("champion", [None, CALM])
def test_what_is_surely_no_better_than_the_trivial_model_is_rejected(champion: ChampionEvidence | None) -> None:
    found = decide(USELESS, champion)
    assert found.decision == "reject"
    assert found.reasons[0].startswith("no better than the trivial model: log_loss 0.75 against 0.69")


def test_a_first_version_that_may_be_of_use_is_offered_to_a_person_with_the_rows_that_would_decide() -> None:
    found = decide(WEAK, None)
    assert (found.decision, found.unsure) == ("approve", False)
    assert found.reasons[0].startswith("not surely better than the trivial model: log_loss 0.338 against 0.35 on 711")
    assert found.reasons[0].endswith("; about 2,946 rows would decide")


def test_rows_answered_out_of_fold_decide_about_a_first_version() -> None:
    every = replace(WEAK, rows=3500, low=-0.017, high=-0.007)
    assert decide(WEAK, None, usefulness=Usefulness(every)).decision == "release"
    worse = replace(every, candidate=0.36, low=0.005, high=0.015)
    assert decide(WEAK, None, usefulness=Usefulness(worse)).decision == "reject"


@pytest.mark.parametrize(("low", "decision"), [(0.58, "approve"), (0.5, "reject"), (None, "reject")])
def test_a_first_version_that_ranks_is_never_rejected(low: float | None, decision: str) -> None:
    found = decide(USELESS, None, usefulness=Usefulness(auc=0.646, auc_low=low))
    assert found.decision == decision
    assert ("it does rank the rows (ROC AUC 0.646)" in found.reasons[0]) is (decision == "approve")


def test_ranking_alone_releases_nothing() -> None:
    assert decide(WEAK, None, usefulness=Usefulness(auc=0.9, auc_low=0.8)).decision == "approve"


@pytest.mark.parametrize(("errors", "decision"), [(2.9, "approve"), (3.3, "release")])
def test_a_first_version_is_released_by_a_bound_that_errs_once_in_a_thousand(errors: float, decision: str) -> None:
    near = replace(GOOD, candidate=0.65, low=-0.04 - 0.04 * 1.645 / errors, high=-0.04 + 0.04 * 1.645 / errors)
    assert decide(near, None).decision == decision


def test_a_successor_that_is_not_surely_better_than_trivial_is_unsure() -> None:
    found = decide(WEAK, CALM)
    assert (found.decision, found.unsure, found.rows_to_decide) == ("release", True, 2946)


def test_a_calm_succession_is_released_and_says_so() -> None:
    found = decide(GOOD, CALM)
    assert found.decision == "release"
    assert found.reasons == ("better than the trivial model, not worse than the champion",)
    assert {check.outcome for check in found.checks} == {"passed"}


@pytest.mark.parametrize("name", ["holdout", "anchor", "best", "pooled", "best_pooled"])
def test_sure_inferiority_anywhere_is_rejected(name: str) -> None:
    found = decide(GOOD, replace(CALM, **{name: WORSE}))  # type: ignore[arg-type]
    assert (found.decision, found.unsure) == ("reject", False)
    assert found.reasons[0].startswith("worse than the ")


CHURN = LossComparison("champion_on_holdout", "log_loss", 344, 0.229, 0.225, -0.043, 0.051)


def test_a_difference_that_few_rows_leave_open_goes_on_unsure() -> None:
    """The champion's loss is 0.225 on 344 rows, the candidate's 0.229: nothing is known."""
    found = decide(GOOD, replace(CALM, holdout=CHURN))
    assert (found.decision, found.unsure, found.margin) == ("release", True, 0.01)
    assert found.rows_to_decide is not None
    assert found.rows_to_decide > 100_000
    assert found.reasons[0].startswith("neither surely worse than the champion nor surely as good; about 150,")
    assert found.reasons[1].startswith("not surely as good as the champion on the new holdout: log_loss 0.229 against")
    assert {check.name: check.outcome for check in found.checks}["champion_on_holdout"] == "unsure"


def test_bounds_of_all_comparisons_together_err_once_in_a_hundred() -> None:
    """Five different questions share the chance: each errs in at most a fifth of it."""
    far = replace(EVEN, reference=0.4, candidate=0.414, low=0.010, high=0.018)  # 4.1 errors over the margin
    near = replace(far, candidate=0.4105, low=0.0065, high=0.0145)  # 2.7 errors: p = 0.004
    alone = replace(CALM, holdout=near, anchor=None, best=None)
    assert decide(GOOD, replace(CALM, anchor=far)).decision == "reject"
    assert decide(GOOD, alone).decision == "reject"
    others = replace(CALM, holdout=near, best=replace(EVEN, rows=999), best_pooled=replace(EVEN, rows=998))
    assert (decide(GOOD, others).decision, decide(GOOD, others).unsure) == ("release", True)


def test_rows_together_answer_what_each_part_leaves_open() -> None:
    open_ = replace(EVEN, candidate=0.403, low=-0.01, high=0.012)
    parts = replace(CALM, holdout=open_, anchor=open_, best=open_)
    assert decide(GOOD, parts).unsure
    together = replace(parts, pooled=EVEN, best_pooled=EVEN)
    assert (decide(GOOD, together).decision, decide(GOOD, together).unsure) == ("release", False)
    assert decide(GOOD, replace(together, best_pooled=None)).unsure
    assert decide(GOOD, replace(together, anchor=WORSE)).decision == "reject"
    assert decide(GOOD, replace(together, score=0.2)).decision == "approve"


@pytest.mark.parametrize(("high", "unsure"), [(0.0040, False), (0.0041, True)])
def test_the_margin_is_a_share_of_the_champions_score(high: float, unsure: bool) -> None:
    edge = replace(EVEN, reference=0.4, high=high)
    assert decide(GOOD, replace(CALM, holdout=edge)).unsure is unsure
    assert not decide(GOOD, replace(CALM, holdout=replace(edge, high=0.0079)), margin=0.02).unsure


def test_what_changed_the_labels_makes_nobody_unsure_but_asks() -> None:
    found = decide(GOOD, replace(CALM, holdout=CHURN, score=0.2))
    assert (found.decision, found.unsure) == ("approve", False)


def test_a_decision_is_read_back_and_older_ones_are_never_unsure() -> None:
    found = decide(GOOD, replace(CALM, holdout=CHURN), margin=0.02)
    assert decision_from_json(found.to_json()) == found
    assert (found.to_json()["unsure"], found.to_json()["margin"]) == (True, 0.02)
    plain = decide(GOOD, CALM)
    assert set(plain.to_json()) == {"decision", "checks", "comparisons", "reasons"}
    assert decision_from_json(plain.to_json()) == plain == replace(plain, unsure=False)
    assert isinstance(plain, GateDecision)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("score", 0.33),
        ("champion_vs_trivial", replace(EVEN, low=0.001, high=0.2)),
        ("labels_now", LabelDistribution(5000, {"no": 1500, "yes": 3500})),
        ("labels_now", LabelDistribution(5000, {"no": 2000, "yes": 2000, "maybe": 1000})),
        ("newly_required", ("age",)),
        ("other_kind", ("age",)),
        ("same_task", False),
        ("same_split", False),
        ("statistics", ("the mean", "the 0.9 quantile")),
    ],
)
def test_what_looks_like_a_change_needs_approval(name: str, value: object) -> None:
    assert decide(GOOD, replace(CALM, **{name: value})).decision == "approve"  # type: ignore[arg-type]


@pytest.mark.parametrize("score", [0.3342, 0.4])
def test_a_champion_that_falls_by_a_fifth_at_most_is_calm(score: float) -> None:
    assert decide(GOOD, replace(CALM, score=score)).decision == "release"


@pytest.mark.parametrize(("noise", "decision"), [(0.06, "approve"), (0.08, "release")])
def test_a_fall_that_chance_explains_is_none(noise: float, decision: str) -> None:
    assert decide(GOOD, replace(CALM, score=0.28, noise=noise)).decision == decision


def test_disputed_rows_that_pass_are_no_reason_to_ask() -> None:
    found = decide(GOOD, replace(CALM, score=0.2))
    assert [check.name for check in found.checks if check.outcome == "approval"] == ["champion_fall"]


def test_another_task_is_compared_with_nothing() -> None:
    found = decide(GOOD, replace(CALM, holdout=WORSE, anchor=WORSE, best=WORSE, same_task=False))
    assert found.decision == "approve"
    assert not [check.name for check in found.checks if check.name.endswith(("_on_holdout", "_on_anchor"))]


def test_further_review_checks_turn_a_release_into_an_approval_and_add_to_other_decisions() -> None:
    check = Check("reference", "approval", "the reference rows have no labels")
    released, refused = decide(GOOD, None), decide(USELESS, None)
    assert released.with_review_checks(()) is released
    reviewed = released.with_review_checks([check])
    assert (reviewed.decision, reviewed.reasons) == ("approve", (check.detail,))
    assert reviewed.checks == (*released.checks, check)
    assert refused.with_review_checks([check]).decision == "reject"
    assert refused.with_review_checks([check]).reasons == (*refused.reasons, check.detail)
    unsure = decide(GOOD, replace(CALM, holdout=CHURN)).with_review_checks([check])
    assert (unsure.decision, unsure.unsure) == ("approve", False)


def test_old_rows_cannot_refuse_when_the_labels_look_changed() -> None:
    fallen = replace(CALM, anchor=WORSE, best=WORSE, score=0.2)
    assert decide(GOOD, fallen).decision == "approve"
    assert decide(GOOD, replace(fallen, holdout=WORSE)).decision == "reject"


def test_rows_that_changed_sides_cannot_refuse() -> None:
    moved = replace(CALM, holdout=WORSE, anchor=WORSE, best=WORSE, same_split=False)
    assert decide(GOOD, moved).decision == "approve"
    assert decide(USELESS, moved).decision == "reject"


def test_the_best_so_far_is_met_on_newer_rows_where_the_anchor_is_past() -> None:
    newer = replace(WORSE, name="best_on_holdout")
    found = decide(GOOD, replace(CALM, anchor=None, best=newer))
    assert found.decision == "reject"
    assert "than the best version so far on the new holdout" in found.reasons[0]
    assert decide(GOOD, replace(CALM, anchor=None, best=newer, score=0.2)).decision == "reject"


@pytest.mark.parametrize(("rows", "decision"), [(19, "approve"), (20, "release")])
def test_a_first_version_of_few_holdout_rows_needs_approval(rows: int, decision: str) -> None:
    found = decide(replace(GOOD, rows=rows), None)
    assert found.decision == decision
    assert ("a first version below 20 needs approval" in found.reasons[0]) is (decision == "approve")


@pytest.mark.parametrize(("rows", "unsure"), [(19, True), (199, True), (200, False)])
def test_a_successor_of_few_holdout_rows_is_unsure_and_no_question(rows: int, unsure: bool) -> None:
    found = decide(replace(GOOD, rows=rows), CALM)
    assert (found.decision, found.unsure) == ("release", unsure)
    assert found.rows_to_decide == (200 if unsure else None)


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        ({"no": 2300, "yes": 2700}, False),  # four errors, but less than a fifth
        ({"no": 13, "yes": 7}, False),  # a third more, but within three errors
        ({"no": 1900, "yes": 3100}, True),
    ],
)
def test_label_rates_move_by_errors_and_by_share(now: dict[str, int], moved: bool) -> None:
    labels = LabelDistribution(sum(now.values()), now)
    found = decide(GOOD, replace(CALM, labels_now=labels))
    outcomes = {check.name: check.outcome for check in found.checks}
    assert outcomes["label_rate"] == ("approval" if moved else "passed")


@pytest.mark.parametrize(("mean", "moved"), [(10.1, False), (10.3, True)])
def test_means_move_by_a_fifth_of_the_deviation(mean: float, moved: bool) -> None:
    before, now = LabelDistribution(10_000, None, 10.0, 1.0), LabelDistribution(10_000, None, mean, 1.0)
    found = decide(GOOD, replace(CALM, labels_before=before, labels_now=now))
    assert (found.decision == "approve") is moved


def test_the_same_statistic_is_no_change() -> None:
    assert decide(GOOD, replace(CALM, statistics=("the median", "the median"))).decision == "release"


def test_no_rows_to_compare_on_are_skipped() -> None:
    found = decide(GOOD, replace(CALM, anchor=None, best=None))
    assert found.decision == "release"
    assert [check.outcome for check in found.checks if "anchor" in check.name] == ["skipped", "skipped"]


def test_the_document_has_every_check_with_its_words() -> None:
    document = decide(GOOD, replace(CALM, anchor=WORSE)).to_json()
    assert document["decision"] == "reject"
    failed = [check for check in document["checks"] if not check["passed"]]
    assert [check["name"] for check in failed] == ["champion_on_anchor"]
    assert len(document["comparisons"]) == 5
