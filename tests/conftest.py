"""How tests are shared out among workers, and what no test is judged by: the speed of the machine.

Every file goes to one worker, so that what a module sets up is set up once. The files that live on the embedded stack
go to the same one, which mostly waits, and they go first, because together they take longest.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support import quick_moto

# Both would fail a test for the milliseconds that an example took.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
quick_moto.install()

E2E = "tests/e2e/"
OWN_STACKS = f"{E2E}test_wheel.py"


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Sends files to workers, those on the one stack together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return E2E if file.startswith(E2E) and file != OWN_STACKS else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile | None:
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path.parent != Path(__file__).parent / "e2e")
