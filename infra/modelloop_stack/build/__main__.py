"""`python -m modelloop_stack.build`: what `make build` calls."""

from __future__ import annotations

import sys

from modelloop_stack.build import application, budget
from modelloop_stack.build.application import BuildError
from modelloop_stack.build.budget import BudgetError


def main() -> int:
    """Build everything, then check the size budget and the bytecode; `--force` builds when nothing changed too."""
    try:
        budget.check(application.build(force="--force" in sys.argv[1:]))
    except (BuildError, BudgetError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
