"""What hatch adds to the wheel: the files from which `modelloop up` builds the stack (see modelloop_stack.project)."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARRIED = (
    "template.yaml",
    "samconfig.toml",
    "functions",
    "layers",
    "infra/dashboard",
    "infra/locks",
    "infra/modelloop_stack",
    "infra/observability",
)


class CarryTheProject(BuildHookInterface[Any]):
    """Adds the files to a wheel; an editable installation uses the checkout itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name each file or folder and its place in the wheel."""
        if version == "standard":
            build_data["force_include"] |= {path: f"modelloop_stack/data/{path}" for path in CARRIED}
