"""What a browser would make of a page, without one."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


class Page(HTMLParser):
    """Elements with their attributes, the scripts that would run, and the data by its element's id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.data: dict[str | None, str] = {}
        self._script: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._script = dict(attrs) if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            return
        if self._script.get("type") == "application/json":
            self.data[self._script.get("id")] = data
        else:
            self.scripts.append(data)

    @property
    def policy(self) -> str:
        """The page's content security policy."""
        return next(a["content"] or "" for tag, a in self.elements if tag == "meta" and a.get("http-equiv"))

    @property
    def samples(self) -> dict[str, Any]:
        """The data of the samples."""
        found: dict[str, Any] = json.loads(self.data["sample-data"])
        return found

    @property
    def pictures(self) -> list[Any]:
        """The images, as data or by reference."""
        found: list[Any] = json.loads(self.data["picture-data"])
        return found


def read_page(run: Path) -> Page:
    """The page of a run folder."""
    return Page((run / "report.html").read_text(encoding="utf-8"))
