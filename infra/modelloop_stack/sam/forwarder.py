"""Forward connections of containers to the embedded stack, which listens on loopback alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

FREE_BIND = getattr(socket, "IP_FREEBIND", 15)  # the bridge's address may come up only with the first container

HALF_CLOSED_SECONDS = 5.0  # how long one side may go on sending after the other has ended


@contextmanager
def forwarding(address: str, target_port: int) -> Iterator[int]:
    """Forward every connection to `address` to a port of loopback; yield the port that was opened."""
    listener = _listener(address)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=_run, args=(loop, listener, target_port, stop), daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=5)


def _run(loop: asyncio.AbstractEventLoop, listener: socket.socket, target_port: int, stop: asyncio.Event) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:  # cancels what is open when it ends
        runner.run(_serve(listener, target_port, stop))


def _listener(address: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_IP, FREE_BIND, 1)
    listener.bind((address, 0))
    listener.listen()
    return listener


async def _serve(listener: socket.socket, target_port: int, stop: asyncio.Event) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target_port)
        directions = [
            asyncio.create_task(_pump(reader, inner_writer)),
            asyncio.create_task(_pump(inner_reader, writer)),
        ]
        _, still_open = await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(still_open or directions, timeout=HALF_CLOSED_SECONDS)
        for direction in directions:
            direction.cancel()
        for stream in (writer, inner_writer):
            stream.close()

    server = await asyncio.start_server(connect, sock=listener)
    await stop.wait()
    server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()  # the other direction may still send
