"""The one list of differences that are meant; whatever is not on it fails the comparison.

An entry says where (a pattern, see `paths`), what kind of change, which point of the issue asks for it, and why. An
entry that matches nothing fails too, so that none outlives its change. For example:

    Allowed("artifacts > versions/*/manifest.json > * > json > warm_start", "removed", "1.7", "no state goes on")
    Allowed("table > MODEL#* LATEST#traffic", "renamed", "1.2", "state is no verdict", to="MODEL#{0} STATE#traffic")
"""

from __future__ import annotations

from tests.comparison.differences import Allowed

ALLOWED: tuple[Allowed, ...] = ()

__all__ = ["ALLOWED", "Allowed"]
