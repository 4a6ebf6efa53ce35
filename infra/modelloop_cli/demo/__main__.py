"""Run the main job: `python -m modelloop_cli.demo [--stack NAME]`."""

from __future__ import annotations

import sys

from modelloop_cli.main import main

if __name__ == "__main__":
    sys.argv = ["modelloop", "demo", *sys.argv[1:]]
    main()
