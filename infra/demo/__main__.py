"""Run the main job: `python -m infra.demo [--stack NAME]`."""

from __future__ import annotations

import sys

from infra.cli.main import main

if __name__ == "__main__":
    sys.argv = ["modelloop", "demo", *sys.argv[1:]]
    main()
