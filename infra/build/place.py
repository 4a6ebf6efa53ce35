"""`python -m infra.build.place`: what SAM's makefile builds call, eleven times a build, so it imports little."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.build.cache import link_tree
from infra.build.code import code
from infra.build.layers import layer


def main(what: str, artifacts: str) -> None:
    """Put the functions' code (`code`), or the layer of the role of that name, into an artifacts folder."""
    link_tree(code() if what == "code" else layer(what), Path(artifacts))


if __name__ == "__main__":
    main(*sys.argv[1:])
