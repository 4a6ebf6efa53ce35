"""An HTTP server of a test on the loopback address, which lives as long as a block."""

from __future__ import annotations

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def serving(exchange: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve with these exchanges while the block runs; yield the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), exchange)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
