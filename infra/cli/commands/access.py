"""Loopback doors to a stack, for clients that cannot sign."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.cli.client import Client
from infra.cli.failures import CommandError
from infra.cli.options import Json, StackName
from infra.cli.proxy import Proxy
from infra.cli.screen import Screen
from infra.cli.target import find_stack

Port = Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="The loopback port; 0 picks a free one.")]


def proxy(port: Port = 8787, stack: StackName = None, as_json: Json = False) -> None:
    """Sign requests of clients that cannot, on a loopback port, with your own identity."""
    screen = Screen(as_json=as_json)
    place = find_stack(stack)
    with Client(place) as client:
        server = listen(client, port)
        screen.show(
            {"url": server.url, "api_url": place.api_url},
            lambda: f"[bold]{server.url}[/] speaks for you to {place.api_url} (Ctrl-C ends it)",
        )
        serve(server)


def listen(client: Client, port: int, pages: dict[str, tuple[str, bytes]] | None = None) -> Proxy:
    """Open the port; raises CommandError when it is taken."""
    try:
        return Proxy(client, port, pages)
    except OSError as error:
        raise CommandError(f"port {port} cannot be opened: {error.strerror}", "Choose another: --port 0") from error


def serve(server: Proxy) -> None:
    """Answer until interrupted."""
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
