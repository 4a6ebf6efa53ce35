from __future__ import annotations

from modelloop_cli.commands.registry import _family_words


def test_a_list_of_versions_tells_what_a_blend_is_made_of() -> None:
    members = [{"weight": 0.6, "family": "linear"}, {"weight": 0.4, "family": "hist_gradient_boosting"}]
    assert _family_words({"family": "blend", "members": members}) == "0.6 linear, 0.4 hist_gradient_boosting"
    assert _family_words({"family": "linear"}) == "linear"
