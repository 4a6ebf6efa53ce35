"""What wins is a function of the recorded trials; a draw needs more than luck."""

from __future__ import annotations

from math import nan

import pytest

from modelloop.contracts.manifest_parts import TrialRecord
from trainer.search.choice import choose, gain, is_better

FOLDS = (0.50, 0.52, 0.48, 0.51, 0.49)


def trial(name: str, folds: tuple[float, ...] | None, origin: str = "drawn", score: float = 0.5) -> TrialRecord:
    return TrialRecord("linear", {"name": name}, 10, score, 0.0, None, origin, folds)


def shifted(by: float, spread: float = 0.0) -> tuple[float, ...]:
    signs = (1, -1, 1, -1, 0)
    return tuple(score + by + spread * sign for score, sign in zip(FOLDS, signs, strict=True))


def won(trials: list[TrialRecord], metric: str = "log_loss", by: str = "cross_validation") -> object:
    return choose(metric, trials, by).params["name"]


def test_a_draw_wins_when_it_is_better_by_more_than_a_standard_error() -> None:
    default = trial("default", FOLDS, "spec")
    assert won([default, trial("sure", shifted(-0.01, 0.005))]) == "sure"
    assert won([default, trial("lucky", shifted(-0.01, 0.05))]) == "default"
    assert won([default, trial("sure", shifted(0.01, 0.005))], "roc_auc") == "sure"


def test_a_better_score_on_one_validation_part_wins_nothing() -> None:
    assert won([trial("default", FOLDS, "spec"), trial("lucky", shifted(0.001), score=0.01)]) == "default"


def test_a_draw_must_beat_the_best_of_what_is_named() -> None:
    named = [trial("default", FOLDS, "spec"), trial("champion", shifted(-0.1), "predecessor")]
    assert won([*named, trial("drawn", shifted(-0.05))]) == "champion"
    assert won([*named, trial("drawn", shifted(-0.2)), trial("better", shifted(-0.3))]) == "better"


def test_what_the_folds_have_not_seen_replaces_nothing() -> None:
    named = [trial("default", FOLDS, "spec")]
    assert won([*named, trial("unseen", None, score=0.0)]) == "default"
    assert won([*named, trial("undefined", (nan, *shifted(-0.2)[1:]))]) == "default"


def test_where_the_validation_part_decides_a_draw_is_compared_on_its_fifths() -> None:
    named = [trial("default", FOLDS, "spec", 0.5), trial("other", shifted(-0.3), "spec", 0.6)]
    assert won(named, by="validation") == "default"
    assert won([*named, trial("drawn", shifted(-0.1), score=0.4)], by="validation") == "drawn"
    assert won([*named, trial("lucky", shifted(-0.01, 0.1), score=0.4)], by="validation") == "default"


def test_draws_stand_in_for_named_settings_that_were_refused() -> None:
    refused = TrialRecord("linear", {"name": "default"}, 10, nan, 0.0, "refused", "spec")
    assert won([refused, trial("drawn", None, score=0.3), trial("worse", None, score=0.4)], by="validation") == "drawn"


def test_repeats_are_no_new_evidence() -> None:
    losses = (-0.1, 0.1, -0.3, -0.2, 0.05)
    once, twice = (gain("log_loss", (0.0,) * 5 * times, losses * times) for times in (1, 2))
    assert twice[0] == pytest.approx(once[0])
    assert twice[1] == pytest.approx(once[1], rel=0.2)
    assert not is_better("log_loss", [0.5], [0.1])
