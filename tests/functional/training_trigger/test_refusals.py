"""Every table of the corpus is refused with a reason that a person can act on, and stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelloop import keys
from modelloop.aws.storage import Bucket
from tests.support.bad_tables import CASES, Case

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage


@pytest.mark.parametrize(("place", "case"), list(enumerate(CASES)), ids=lambda part: getattr(part, "name", ""))
def test_is_rejected_with_its_reason(shared_stage: Stage, place: int, case: Case) -> None:
    model = f"m{place}"
    if case.spec:
        shared_stage.spec(case.spec, model)
    run = shared_stage.upload(case.file, case.body, model)
    assert run.state == "REJECTED"
    assert run.reason is not None
    assert case.says in run.reason
    assert len(run.reason) < 600
    assert "task: regression" not in run.reason  # none of these targets is a quantity
    assert "/tmp" not in run.reason
    assert Bucket("test-data").get(keys.dataset(model, case.file)) == case.body
    assert shared_stage.messages() == []
    assert list(Bucket("test-artifacts").list_keys("prepared/")) == []
