"""`python -m infra.build.place`: what SAM's makefile builds call, eleven times a build, so it imports little."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.build import code
from infra.build.cache import link_tree
from infra.build.layers import layer


def main(what: str, artifacts: str, function: str = "") -> None:
    """Put the code of a function (`what` is `code`), or the layer of the role `what`, into an artifacts folder."""
    if what == "code":
        code.place(function, Path(artifacts))
    else:
        link_tree(layer(what), Path(artifacts))


if __name__ == "__main__":
    main(*sys.argv[1:])
