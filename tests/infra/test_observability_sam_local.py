"""Templates are nested, so whoever moves the built template has to take them along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

from modelloop_stack.build.paths import ROOT
from modelloop_stack.sam import template

if TYPE_CHECKING:
    from pathlib import Path


NESTED = {"Alarms": "alarms.yaml", "Dashboard": "dashboard.yaml"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sam_local_finds_the_nested_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built, moved = tmp_path / "built", tmp_path / "moved.yaml"
    resources = {}
    for stack, file in NESTED.items():
        (built / stack).mkdir(parents=True)
        (built / stack / "template.yaml").write_text((ROOT / "infra" / "observability" / file).read_text())
        properties = {"TemplateURL": f"{stack}/template.yaml"}
        resources[stack] = {"Type": "AWS::CloudFormation::Stack", "Properties": properties}
    (built / "template.yaml").write_text(yaml.safe_dump({"Resources": resources}))
    monkeypatch.setattr(template, "environments", lambda _: {})
    info: Any = None

    template.write(built, moved, info, "http://localhost")

    stacks, remote = SamLocalStackProvider.get_stacks(str(moved))
    assert ([stack.name for stack in stacks], remote) == (["", *NESTED], [])
