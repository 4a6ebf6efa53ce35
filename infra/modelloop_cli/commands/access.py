"""Loopback doors to a stack, for clients that cannot sign."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from modelloop_cli.dashboard import PREFIX, pages
from modelloop_cli.options import Json, StackName
from modelloop_cli.proxy import Proxy
from modelloop_cli.screen import Screen
from modelloop_client.client import Client
from modelloop_client.failures import CommandError
from modelloop_client.target import find_stack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop_cli.proxy import Page

Port = Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="The loopback port; 0 picks a free one.")]


def env(stack: StackName = None, as_json: Json = False) -> None:
    """Print the stack's address and key for a shell: eval "$(modelloop env)"."""
    place = find_stack(stack)
    facts = {"MODELLOOP_API": place.api_url, "MODELLOOP_KEY": place.api_key}
    Screen(as_json=as_json).show(facts, lambda: "\n".join(f"export {name}={value}" for name, value in facts.items()))


def proxy(port: Port = 8787, stack: StackName = None, as_json: Json = False) -> None:
    """Sign requests of clients that cannot, on a loopback port, with your own identity."""
    screen = Screen(as_json=as_json)
    place = find_stack(stack)
    with Client(place) as client:
        server = _listen(client, port)
        screen.show(
            {"url": server.url, "api_url": place.api_url},
            lambda: f"[bold]{server.url}[/] speaks for you to {place.api_url} (Ctrl-C ends it)",
        )
        _serve(server)


def dashboard(
    port: Port = 8788,
    browse: Annotated[bool, typer.Option(help="Open it in the browser.")] = True,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Show models, traffic, drift, quality and runs on a page of this machine, and change what serves."""
    screen = Screen(as_json=as_json)
    place = find_stack(stack)
    with Client(place) as client:
        server = _listen(client, port, pages(), PREFIX)
        url = server.url + PREFIX
        screen.show(
            {"url": url, "api_url": place.api_url}, lambda: f"[bold]{url}[/] shows {place.api_url} (Ctrl-C ends it)"
        )
        if browse and not as_json:
            webbrowser.open(url)
        _serve(server)


def _listen(client: Client, port: int, own: Mapping[str, Page] | None = None, home: str | None = None) -> Proxy:
    try:
        return Proxy(client, port, own, home)
    except OSError as error:
        raise CommandError(f"port {port} cannot be opened: {error.strerror}", "Choose another: --port 0") from error


def _serve(server: Proxy) -> None:
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
