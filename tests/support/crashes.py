"""A crash after any AWS call: the work of this process ends there, and nothing may catch it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

NEVER = 10_000


class CrashError(BaseException):
    """The environment dies."""


class Calls:
    """Counts AWS calls and dies after one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made, self.last = 0, NEVER
        real = BaseClient._make_api_call  # type: ignore[attr-defined]  # not in the stubs

        def call(client: Any, name: str, arguments: Any) -> Any:
            answer = real(client, name, arguments)
            self.made += 1
            if self.made == self.last:
                raise CrashError(name)
            return answer

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    def count(self, work: Callable[[], Any]) -> int:
        """Do the work; return how many calls it made."""
        self.made = 0
        work()
        return self.made

    def dying_after(self, calls: int, work: Callable[[], Any]) -> bool:
        """Do the work; True when it died on the way."""
        self.made, self.last = 0, calls
        try:
            work()
        except CrashError:
            return True
        finally:
            self.last = NEVER
        return False
