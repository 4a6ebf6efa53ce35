"""`python -m modelloop_stack.sam`: what `make sam-local` calls."""

from __future__ import annotations

import shutil
import sys
from urllib.parse import urlsplit

from modelloop_stack import processes, stack
from modelloop_stack.build.application import build
from modelloop_stack.build.paths import ROOT
from modelloop_stack.sam import template
from modelloop_stack.sam.engine import running
from modelloop_stack.sam.forwarder import forwarding
from modelloop_stack.sam.loop import run_loop
from modelloop_stack.sam.runner import Sam, SamLocalError
from modelloop_stack.server.front_door import EXTRA_HOSTS

STATE = ROOT / ".local" / "sam"


def main() -> int:
    """Run the loop once in containers; return 0 when every function did what it must, or when there is no engine."""
    with running() as engine:
        if engine is None:
            print("skipped: neither Docker nor Podman answers on this machine")
            return 0
        print(f"sam local through {engine.name}")
        processes.down(STATE)
        shutil.rmtree(STATE, ignore_errors=True)
        info = stack.up(STATE)
        try:
            with forwarding(engine.gateway, int(urlsplit(info.endpoint_url).port or 0)) as port:
                (STATE / EXTRA_HOSTS).write_text(f"{engine.gateway}:{port}\n")
                derived = STATE / "template.yaml"
                template.write(build(), derived, info, f"http://{engine.gateway}:{port}")
                for line in run_loop(Sam(engine, derived, info)):
                    print(f"  passed  {line}", flush=True)
        except SamLocalError as failure:
            print(f"  FAILED  {failure}", file=sys.stderr)
            return 1
        finally:
            (STATE / EXTRA_HOSTS).unlink(missing_ok=True)
            processes.down(STATE)
    print("every function ran under sam local")
    return 0


if __name__ == "__main__":
    sys.exit(main())
