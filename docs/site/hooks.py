"""What the site changes in a page: notes for the tests are taken off the fences, since Markdown can't show them."""

import re
from typing import Any

_NO_RUN = re.compile(r"^(\s*```.*?) no-run: .*", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page without the reasons why a block isn't run (tests/docs/blocks.py reads them)."""
    return _NO_RUN.sub(r"\1", markdown)
