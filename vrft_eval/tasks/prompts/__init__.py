"""The prompts, one text file each, and how their placeholders are filled.

They are those that the released models were trained and evaluated with, to the letter: the literal `<image>` line
besides the image itself, the missing space and the misspelling included. A model's scores depend on them. Those that
were never published are ours: the two of the gate, `classification-cars` and `classification`.
`classification-pets` is a question that the paper shows, in the form of the others.
"""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The prompts that ship with the package."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.txt")))


def load(name_or_path: str | Path) -> str:
    """Read a prompt by its name (`detection`) or from a file of the user's, without its final newline.

    Raises ValueError when there is neither.

    >>> load("detection").splitlines()[-1]
    'Please strictly follow the format.'
    """
    path = _FOLDER / f"{name_or_path}.txt" if name_or_path in names() else Path(name_or_path)
    if not path.is_file():
        raise ValueError(f"no prompt named {str(name_or_path)!r} (there are {', '.join(names())}), and no such file")
    return path.read_text(encoding="utf-8").rstrip("\n")


def fill(template: str, **fields: str) -> str:
    """Put fields into a prompt: `{category}` becomes the category.

    Not `str.format`: the paper's detection prompt contains braces of its own. The text is read once, so braces
    inside a field stay as they are. Raises ValueError when the template lacks a field it was given.

    >>> fill("Find the {category} as {'Position': ...}", category="cat")
    "Find the cat as {'Position': ...}"
    """
    for name in fields:
        if "{" + name + "}" not in template:
            raise ValueError(f"the prompt has no placeholder {{{name}}}: {template[:80]!r}")
    return re.sub(r"\{(\w+)\}", lambda match: fields.get(match[1], match[0]), template)


def unfill(template: str, text: str, field: str) -> str | None:
    """Find what a field was when a prompt was filled; white space and the `<image>` line don't matter.

    None when the text isn't this prompt.

    >>> unfill("<image>\\nFind a {category} or no {category}.", "Find a  hot dog or no hot dog.", "category")
    'hot dog'
    """
    mark = "{" + field + "}"
    first, *others = (_spaced(part) for part in template.split(mark))
    text = _spaced(text)
    if not others or not text.startswith(first):
        return None
    # What follows the field says where it ends; then the whole prompt must be the same.
    end = text.find(others[0], len(first)) if others[0] else len(text)
    value = text[len(first) : end].strip()
    return value if end >= 0 and value and _spaced(template.replace(mark, value)) == text else None


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("<image>", " ")).lstrip()


def render(name: str, **fields: str) -> str:
    """Load a prompt and fill it."""
    return fill(load(name), **fields)
