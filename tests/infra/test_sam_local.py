"""The parts of `make sam-local` that need no container."""

from __future__ import annotations

import json
import socket
import threading
from string import Template

import pytest

from modelloop_stack.build.paths import ROOT
from modelloop_stack.sam import loop
from modelloop_stack.sam.__main__ import main
from modelloop_stack.sam.forwarder import forwarding
from modelloop_stack.sam.runner import EVENTS, SamLocalError, _last_document
from tests.support.template.handlers import HANDLERS

NUMBERS = ("dataset_bytes", "bundle_bytes", "capture_bytes")
NAMES = ("model", "run_id", "data_bucket", "dataset_version", "dataset_etag", "bundle_digest", "rows", "capture_bucket")
VALUES = dict.fromkeys((*NAMES, "capture_key", "capture_version"), "x") | dict.fromkeys(NUMBERS, 1)


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.name)
def test_an_event_is_json_once_its_places_are_filled(path: object) -> None:
    text = (EVENTS / str(path)).read_text()
    assert json.loads(Template(text).substitute(VALUES))


def test_every_function_is_invoked() -> None:
    source = (ROOT / "infra" / "modelloop_stack" / "sam" / "loop.py").read_text()
    assert all(f'"{function}"' in source for function in HANDLERS)


def test_the_answer_is_the_last_document_among_the_printed_lines() -> None:
    printed = '{"level": "INFO"}\nSTART\n{"statusCode": 200}\n[1]\nEND\n'
    assert _last_document(printed) == {"statusCode": 200}
    assert _last_document("no answer\n") is None


def test_a_wrong_answer_is_an_error() -> None:
    with pytest.raises(SamLocalError, match="expected 200, got 500"):
        loop._expect("the status", 500, 200)


def test_without_an_engine_it_says_skipped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("modelloop_stack.sam.engine.shutil.which", lambda _name: None)
    assert main() == 0
    assert capsys.readouterr().out.startswith("skipped: neither Docker nor Podman answers")


def test_the_forwarder_passes_bytes_both_ways() -> None:
    with socket.create_server(("127.0.0.1", 0)) as echo:
        threading.Thread(target=_echo_once, args=(echo,), daemon=True).start()
        with (
            forwarding("127.0.0.1", echo.getsockname()[1]) as port,
            socket.create_connection(("127.0.0.1", port), timeout=60) as client,
        ):
            client.sendall(b"x" * 200_000)
            client.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received == b"x" * 200_000


def _echo_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        connection.sendall(received)
