"""Local access to a stack: its address for a shell, and servers on this machine for clients that cannot sign."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from modelloop_cli.access_token import USABLE
from modelloop_cli.console import Console, Json, StackName
from modelloop_cli.dashboard import PREFIX, pages
from modelloop_cli.proxy import Proxy
from modelloop_client.client import Client
from modelloop_client.failures import CommandError
from modelloop_client.stacks import find_stack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop_cli.proxy import Page

Port = Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="Port on 127.0.0.1; 0 picks a free one.")]

Token = Annotated[
    str | None,
    typer.Option(
        "--token", envvar="MODELLOOP_PROXY_TOKEN", show_default=False,
        help="What every request must bring; default: a new random one at each start.",
    ),
]  # fmt: skip


def env(stack: StackName = None, as_json: Json = False) -> None:
    """Print the stack's address and API key for a shell.

    Use it as: eval "$(modelloop env)"; then curl "$MODELLOOP_API/ping" -H "x-api-key: $MODELLOOP_KEY".
    """
    target = find_stack(stack)
    variables = {"MODELLOOP_API": target.api_url, "MODELLOOP_KEY": target.api_key}
    Console(as_json=as_json).show(
        variables, lambda: "\n".join(f"export {name}={value}" for name, value in variables.items())
    )


def proxy(port: Port = 8787, token: Token = None, stack: StackName = None, as_json: Json = False) -> None:
    """Forward requests to the stack, signed as you, for clients that cannot sign.

    Give such a client, a Prometheus for example, the address that is printed, and the token as its bearer token. For a
    browser the token is in the address. Ctrl-C stops the proxy.
    """
    console = Console(as_json=as_json)
    target = find_stack(stack)
    with Client(target) as client:
        server = _open_proxy(client, port, token=token)
        console.show(
            {"url": server.url, "token": server.token.text, "entrance": server.entrance, "api_url": target.api_url},
            lambda: (
                f"[bold]{server.url}[/] forwards, signed as you, to {target.api_url} (Ctrl-C stops it)\n"
                f"Programs send the header   Authorization: Bearer {server.token.text}\n"
                f"A browser begins with      {server.entrance}"
            ),
        )
        _serve(server)


def dashboard(
    port: Port = 8788,
    browse: Annotated[bool, typer.Option(help="Open it in the browser.")] = True,
    token: Token = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Open a page with models, traffic, drift, quality and runs, from which what serves can be changed.

    This machine serves the page, for you alone: its address holds a token. Ctrl-C stops it.
    """
    console = Console(as_json=as_json)
    target = find_stack(stack)
    with Client(target) as client:
        server = _open_proxy(client, port, pages(), PREFIX, token)
        console.show(
            {"url": server.entrance, "api_url": target.api_url},
            lambda: f"[bold]{server.entrance}[/] shows {target.api_url} (Ctrl-C stops it)",
        )
        if browse and not as_json:
            webbrowser.open(server.entrance)
        _serve(server)


def _open_proxy(
    client: Client,
    port: int,
    files: Mapping[str, Page] | None = None,
    home: str | None = None,
    token: str | None = None,
) -> Proxy:
    if token is not None and not USABLE.fullmatch(token):
        raise CommandError("a token has 16 to 200 letters, digits or any of - . _ ~", "Without --token it is random")
    try:
        return Proxy(client, port, files, home, token)
    except OSError as error:
        raise CommandError(f"port {port} cannot be opened: {error.strerror}", "Choose another: --port 0") from error


def _serve(server: Proxy) -> None:
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
