"""The domain of Modelloop: what a table, a version, a pointer, a summary and a verdict are."""

from __future__ import annotations

__version__ = "0.1.0"

# Not in the functions: the build cuts this file here, since only programs outside of Lambda have the client.
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelloop_client.client import Client

    __all__ = ["Client"]
else:

    def __getattr__(name: str) -> object:
        """Return `Client`, whose libraries are imported only where a program asks for it."""
        if name != "Client":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from modelloop_client.client import Client  # noqa: PLC0415  importing the domain alone stays light

        return Client
