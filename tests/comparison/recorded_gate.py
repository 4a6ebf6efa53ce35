"""The recording's gate: it refused by estimates and asked a person where rows were too few.

The stories are about what follows its word, so they go on by it; what the gate says now is held by its own tests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelloop.versions.gate import APPROVAL, APPROVE, REJECT, RELEASE, SMALL_SUCCESSOR, decide
from trainer.comparison import examination

if TYPE_CHECKING:
    from modelloop.versions.evidence import ChampionEvidence, LossComparison
    from modelloop.versions.gate import GateDecision

REVIEWED = {"class_set", "same_split", "same_task", "champion_fall", "champion_collapse", "label_rate"}


def decide_as_recorded() -> None:
    """Let the gate of this process decide as that of the recording did, by the evidence of today."""
    vars(examination)["decide"] = _deciding


def _deciding(
    trivial: LossComparison, champion: ChampionEvidence | None, *, margin: float, **options: Any
) -> GateDecision:
    found = decide(trivial, champion, margin=margin, **options)
    word = _word(trivial, champion, margin, {check.name for check in found.checks if check.outcome == APPROVAL})
    return replace(found, decision=word, unsure=False)


def _word(trivial: LossComparison, champion: ChampionEvidence | None, margin: float, asked: set[str]) -> str:
    if trivial.high >= 0:
        return REJECT
    if champion is None:
        return APPROVE if asked else RELEASE
    known = [one for one in (champion.holdout, champion.anchor, champion.best) if one is not None]
    open_ = [one for one in known if not one.not_worse(margin)]
    worse = [one for one in open_ if one.difference > margin * abs(one.reference)]
    if worse and not asked & REVIEWED:
        return REJECT
    return APPROVE if asked or open_ or trivial.rows < SMALL_SUCCESSOR else RELEASE
