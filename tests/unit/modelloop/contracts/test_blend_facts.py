"""What manifests, logs of trials and lists say of blends, and of models that are none."""

from __future__ import annotations

import json

from modelloop.contracts.manifest_parts import (
    BlendMember,
    EstimatorFacts,
    MemberFacts,
    MemberShare,
    Refit,
    Selection,
    estimator_facts_from_json,
    selection_from_json,
)
from modelloop.contracts.version_facts import VersionFacts, version_facts_from_json

LINEAR = EstimatorFacts("linear", "sklearn.linear_model.Ridge", {"alpha": 1.0}, {})
BOOSTING = EstimatorFacts("hist_gradient_boosting", "sklearn.ensemble.X", {"max_iter": 30}, {"max_iter": 30})
BLEND = EstimatorFacts("blend", "B", {}, {}, (MemberFacts(0.6, BOOSTING), MemberFacts(0.4, LINEAR)))


def test_an_estimator_keeps_its_members_and_their_weights() -> None:
    assert estimator_facts_from_json(json.loads(json.dumps(BLEND.to_json()))) == BLEND
    assert BLEND.shares == (MemberShare(0.6, "hist_gradient_boosting"), MemberShare(0.4, "linear"))
    assert "members" not in LINEAR.to_json()
    assert estimator_facts_from_json(json.loads(json.dumps(LINEAR.to_json()))) == LINEAR


def test_a_version_in_a_list_keeps_the_families_of_a_blend() -> None:
    facts = VersionFacts(family="blend", members=BLEND.shares)
    document = json.loads(json.dumps(facts.to_json()))
    assert document["members"] == [
        {"weight": 0.6, "family": "hist_gradient_boosting"}, {"weight": 0.4, "family": "linear"}
    ]  # fmt: skip
    assert version_facts_from_json(document) == facts
    assert "members" not in VersionFacts(family="linear").to_json()


def test_a_selection_keeps_what_was_blended() -> None:
    members = (BlendMember(0.6, "hist_gradient_boosting", {"max_iter": 30}, 21), BlendMember(0.4, "linear", {}))
    made = Selection("cross_validation", 5, 2, 0, refit=Refit(done=True, rows=90), blend=members)
    assert selection_from_json(json.loads(json.dumps(made.to_json()))) == made
    assert "blend" not in Selection("validation", 0, 0, 0).to_json()
