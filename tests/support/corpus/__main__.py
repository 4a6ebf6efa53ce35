"""`python -m tests.support.corpus` writes the page of the manual that lists the corpus."""

from __future__ import annotations

from tests.support.corpus import documents, exports, notations, programs, structures
from tests.support.corpus.page import PAGE, rendered

if __name__ == "__main__":
    PAGE.write_text(
        rendered([*exports.TABLES, *programs.TABLES, *notations.TABLES, *structures.TABLES, *documents.TABLES])
    )
