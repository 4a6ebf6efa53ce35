"""`python -m modelloop_stack.build.place`: SAM's makefile builds call it eleven times a build: it imports little."""

from __future__ import annotations

import sys
from pathlib import Path

from modelloop_stack.build.cache import link_tree
from modelloop_stack.build.code import code
from modelloop_stack.build.layers import layer


def main(what: str, artifacts: str) -> None:
    """Put the functions' code (`code`), or the layer of the role of that name, into an artifacts folder."""
    link_tree(code() if what == "code" else layer(what), Path(artifacts))


if __name__ == "__main__":
    main(*sys.argv[1:])
