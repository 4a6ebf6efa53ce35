"""`python -m modelloop_stack.build.place`: SAM's makefiles call it eleven times a build, so it imports little."""

from __future__ import annotations

import sys
from pathlib import Path

from modelloop_stack.build import code
from modelloop_stack.build.cache import link_tree
from modelloop_stack.build.layers import build_layer


def main(what: str, artifacts: str, function: str = "") -> None:
    """Put the code of a function (`what` is `code`), or the layer of the role `what`, into an artifacts folder."""
    if what == "code":
        code.place(function, Path(artifacts))
    else:
        link_tree(build_layer(what), Path(artifacts))


if __name__ == "__main__":
    main(*sys.argv[1:])
