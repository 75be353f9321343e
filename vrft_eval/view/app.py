"""The pages of `vrft-eval view`: the list of runs, the frame around a run that goes on, and its own files."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from vrft_eval.images import SUFFIXES
from vrft_eval.report.assets import render_page
from vrft_eval.view.finding import find_runs, finished, is_run
from vrft_eval.view.listing import render_list
from vrft_eval.view.live import LiveRun

_FILES = {
    "report.html": "text/html",
    "report.json": "application/json",
    "run.json": "application/json",
    "predictions.json": "application/json",
    "gate.json": "application/json",
    "report.md": "text/plain",
    "responses.jsonl": "text/plain",
    "gate.jsonl": "text/plain",
    "masks.jsonl": "text/plain",
}
"""What is served of a run folder, and as what."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'self'",
    "Cache-Control": "no-store",
}
_HOST = re.compile(r"(?P<name>\[[^\[\]]*\]|[^:\[\]]+)(?::[0-9]*)?")
_Answer = Callable[[Request], Awaitable[Response]]
_Dispatch = Callable[[Request, _Answer], Awaitable[Response]]
_NOWHERE = PlainTextResponse("not found", 404)


def create_app(folder: Path, executor: Executor, hosts: Sequence[str]) -> Starlette:
    """The application for a run, or a folder of runs; only requests to a host or an address are answered.

    Raises InputError where there is no run.
    """
    # No address may have .. in it; links stay, since a report refers to images from where it seems to lie.
    pages = _Pages(Path(os.path.abspath(folder)), executor)  # noqa: PTH100
    return Starlette(
        routes=[
            Route("/", pages.start),
            Route("/view/{path:path}", pages.view),
            Route("/status/{path:path}", pages.status),
            Route("/f/{path:path}", pages.file),
        ],
        middleware=[
            Middleware(BaseHTTPMiddleware, dispatch=_only_for(hosts)),
            Middleware(BaseHTTPMiddleware, dispatch=_with_headers),
        ],
    )


def hosts_of(host: str) -> list[str]:
    """The names under which a server that listens there is asked for, beside any address."""
    names = {"localhost", host}
    if host in ("0.0.0.0", "::"):
        names |= {socket.gethostname(), socket.getfqdn()}
    return sorted(name.lower() for name in names)


def _only_for(names: Sequence[str]) -> _Dispatch:
    """Refuse what was asked of another name.

    A page of another site that a name was bent for (DNS rebinding) asks with that name; with an address none can.
    """

    async def dispatch(request: Request, answer: _Answer) -> Response:
        found = _HOST.fullmatch(request.headers.get("host", ""))
        if found is None or not (found["name"].lower() in names or _is_address(found["name"].strip("[]"))):
            return PlainTextResponse("invalid Host header", 400)
        return await answer(request)

    return dispatch


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class _Pages:
    """Answers requests; addresses of files are those of the disk, so that a page's references mean what they say."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self._folder, self._executor = folder, executor
        self._runs: dict[Path, LiveRun] = {}
        self._opened: dict[Path, LiveRun] = {}
        self._lock = Lock()
        self._find()

    def _find(self) -> list[Path]:
        found = find_runs(self._folder)
        with self._lock:
            for run in found:
                self._runs.setdefault(run, LiveRun(run, self._executor))
        return found

    def start(self, request: Request) -> Response:  # noqa: ARG002
        """The run, or the list of runs."""
        if is_run(self._folder):
            return self._show(self._folder)
        return HTMLResponse(render_list(self._folder, [(run, f"view{_address(run)}") for run in self._find()]))

    def view(self, request: Request) -> Response:
        """One run of the list."""
        run = self._runs.get(_path(request))
        return _NOWHERE if run is None else self._show(run.path)

    def _show(self, run: Path) -> Response:
        if finished(run) is not None:
            return RedirectResponse(f"/f{_address(run)}/report.html")
        address = _address(run)
        return HTMLResponse(
            render_page(
                "view.html.j2",
                ("view",),
                ("view.css",),
                run=run.name,
                status=f"/status{address}",
                page=f"/f{address}/report.html",
                listed=None if is_run(self._folder) else "/",
            )
        )

    def status(self, request: Request) -> Response:
        """How far a run is, as JSON."""
        run = self._runs.get(_path(request))
        return _NOWHERE if run is None else JSONResponse(asdict(run.status()))

    def file(self, request: Request) -> Response:
        """A file of a run, or an image of its samples: nothing else is there."""
        path = _path(request)
        if ".." in path.parts or "\0" in str(path):
            return _NOWHERE
        run = self._runs.get(path.parent)
        if run is not None and path.name in _FILES:
            if path.name == "report.html":
                self._opened[path.parent] = run
            return _run_file(run, path)
        return self._image(path)

    def _image(self, path: Path) -> Response:
        if path.suffix.lower() not in SUFFIXES:
            return _NOWHERE
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return _NOWHERE
        # Of the reports that were opened, since what a run's images are is only known when its data are loaded.
        if any(real in run.images() for run in list(self._opened.values())):
            return FileResponse(real, headers={"Cache-Control": "private, max-age=3600"})
        return _NOWHERE


def _run_file(run: LiveRun, path: Path) -> Response:
    if path.name == "report.html" and finished(run.path) is None:
        page = run.page()
        return _NOWHERE if page is None else HTMLResponse(page)
    if path.is_symlink() or not path.is_file():
        return _NOWHERE
    return FileResponse(path, media_type=_FILES[path.name])


def _path(request: Request) -> Path:
    return Path("/", request.path_params["path"])


def _address(path: Path) -> str:
    return quote(path.as_posix(), errors="surrogateescape")


async def _with_headers(request: Request, answer: _Answer) -> Response:
    response = await answer(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
