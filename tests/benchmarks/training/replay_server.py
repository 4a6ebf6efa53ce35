"""Lambda's invoke call for one function, the replay, in a process of its own."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

from inference.replay import handler


class Invoke(BaseHTTPRequestHandler):
    """Answers every POST with what the replay says."""

    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(handler(event, None)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Invoke)
    print(server.server_port, flush=True)
    server.serve_forever()
