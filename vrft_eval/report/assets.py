"""Pages of one file: a template with its style and its script inline, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vrft_eval.report.visible import HIDDEN_CHARACTERS, plain
from vrft_eval.report.words import COUNTS, METRICS, model_name, number

_FOLDER = Path(__file__).parent / "page"
_UNSAFE = re.compile(f"[<>&{HIDDEN_CHARACTERS}]")
_UPLOT = "vendor/uPlot-1.6.32.min"
TABLES = ("theme", "tables")
"""Scripts of a page with sortable tables."""
CHARTS = (*TABLES, "charts")
"""Those of a page with charts too."""


def render_page(
    template: str,
    scripts: tuple[str, ...] = TABLES,
    styles: tuple[str, ...] = (),
    references: bool = False,
    **values: Any,
) -> str:
    """Fill a page template of `page/`.

    The scripts are files of `page/scripts`, run in their order as one; styles are further files beside style.css. Only
    this script may run, and images are only shown that are in the page, or, with references, lie where it lies.
    """
    charts = "charts" in scripts
    script = "".join([_read(f"{_UPLOT}.js"), "\n"] if charts else []) + _script(scripts)
    style = [*([f"{_UPLOT}.css"] if charts else []), "style.css", *styles]
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup("\n".join(map(_read, style))),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
            references=references,
            **values,
        )
    )


def script_json(value: Any) -> Markup:
    """JSON that may stand in a `<script type="application/json">`: nothing in it is markup, or invisible.

    >>> script_json({"a": "</script>" + chr(0x202E)})
    Markup('{"a":"\\\\u003c/script\\\\u003e\\\\u202e"}')
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(_UNSAFE.sub(_escaped, text))


def _escaped(found: re.Match[str]) -> str:
    # json escapes what isn't ASCII by itself, and surrogates in pairs.
    return json.dumps(found[0])[1:-1] if found[0] > "\x7f" else f"\\u{ord(found[0]):04x}"


@lru_cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _script(names: tuple[str, ...]) -> str:
    # One scope for all, and none of it in the page's.
    body = "\n".join(_read(f"scripts/{name}.js") for name in names)
    return f'"use strict";\n(() => {{\n{body}}})();\n'


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, plain=plain, model_name=model_name, data=script_json)
    environment.globals.update(METRICS=METRICS, COUNTS=COUNTS)
    return environment
