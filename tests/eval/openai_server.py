"""A real HTTP server that speaks the OpenAI API, gives known answers, and fails on purpose."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from vrft_eval.backends import Answer, Prompt

MODEL = "tiny"
Question = tuple[str, str]
REFUSALS: dict[str, tuple[int, dict[str, str]]] = {
    "401": (401, {"message": "Incorrect API key provided: KEY"}),
    "404": (404, {"message": "The model does not exist."}),
    "quota": (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}),
    "error-200": (200, {"message": "the provider is busy"}),
    "no-vision": (400, {"message": "At most 0 image(s) may be provided in one prompt."}),
    "temperature": (400, {"message": "only 1 is supported", "code": "unsupported_value", "param": "temperature"}),
    "renamed": (400, {"message": "Use 'max_completion_tokens' instead.", "code": "unsupported_parameter"}),
}


def question(text: str, image: bytes) -> Question:
    """What tells one prompt from another on the other side of the wire."""
    return text, sha256(image).hexdigest()


def asked_by(prompt: Prompt) -> Question:
    return question(prompt.text, prompt.image.read_bytes())


@dataclass
class Script:
    """What the server knows, how it fails, and what it was asked.

    faults are taken one a request from the list of a question; `always` is met by every request. `held` requests wait
    for one another, so that they are in flight together. After `leaves_after` answers there is no server any more.
    """

    answers: Mapping[Question, Answer]
    faults: dict[Question, list[str]] = field(default_factory=dict)
    always: str | None = None
    held: threading.Barrier | None = None
    maker: str = "a test"
    lists: bool = True
    leaves_after: int | None = None
    port: int = 0
    served: list[Question] = field(default_factory=list)
    asked: Counter[Question] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tokens: int = 0
    times: dict[Question, list[float]] = field(default_factory=dict)
    in_flight: int = 0
    most_in_flight: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    leave: Callable[[], None] = lambda: None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    """The server, in threads, on the script's port or a free one."""
    server = ThreadingHTTPServer(("127.0.0.1", script.port), _handler(script))
    server.daemon_threads = True
    script.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()

    def leave() -> None:
        script.over.set()
        server.socket.close()
        server.shutdown()

    script.leave = leave
    try:
        yield script
    finally:
        leave()
        thread.join()


def known_answers(prompts: Sequence[Prompt], answers: Sequence[Answer]) -> dict[Question, Answer]:
    by_id = {answer.id: answer for answer in answers}
    return {asked_by(prompt): by_id[prompt.id] for prompt in prompts}


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            if script.lists:
                self._send(200, {"data": [{"id": MODEL, "owned_by": script.maker}]})
            else:
                self._send(404, {"detail": "Not Found"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if script.over.is_set():
                self.close_connection = True
                return
            with script.lock:
                script.in_flight += 1
                script.most_in_flight = max(script.most_in_flight, script.in_flight)
                script.bodies.append(body)
                script.headers.append({name.lower(): value for name, value in self.headers.items()})
            try:
                self._answer(body)
            except OSError:
                self.close_connection = True  # the client has gone, as it may
            finally:
                with script.lock:
                    script.in_flight -= 1

        def _answer(self, body: dict[str, Any]) -> None:
            (image, text) = body["messages"][0]["content"]
            with urlopen(image["image_url"]["url"]) as opened:
                key = question(text["text"], opened.read())
            with script.lock:
                script.asked[key] += 1
                script.times.setdefault(key, []).append(time.monotonic())
                left = script.faults.get(key)
                fault = script.always or (left.pop(0) if left else None)
            if script.held is not None:
                script.held.wait(timeout=30)
            if fault is None or (fault == "renamed" and "max_completion_tokens" in body):
                self._good(key)
            elif fault == "hang":
                script.over.wait(timeout=60)
                self.close_connection = True
            elif fault == "cut":
                self._begin(200, 5000)
                self.wfile.write(b'{"choices": [{"message": {"content": "<think>')
                self.close_connection = True
            elif fault == "garbage":
                self._raw(200, b'{"choices": [{"message": {"con\xff')
            elif fault == "429":
                self._send(429, {"error": {"message": "slow down"}}, {"Retry-After": "1"})
            else:
                status, error = REFUSALS.get(fault) or (int(fault), {"message": f"fails with {fault}"})
                key_sent = str(self.headers.get("Authorization"))
                self._send(status, {"error": {**error, "message": error["message"].replace("KEY", key_sent)}})

        def _good(self, key: Question) -> None:
            answer = script.answers[key]
            usage = {
                "prompt_tokens": answer.prompt_tokens,
                "completion_tokens": answer.tokens,
                "prompt_tokens_details": {"cached_tokens": 3},
            }
            message = {"role": "assistant", "content": answer.completion}
            choice = {"index": 0, "message": message, "finish_reason": answer.finish}
            with script.lock:
                script.served.append(key)
                script.tokens += (answer.prompt_tokens or 0) + (answer.tokens or 0)
                count = len(script.served)
            if count == script.leaves_after:
                script.leave()
            self._send(200, {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})

        def _send(self, status: int, content: object, headers: Mapping[str, str] | None = None) -> None:
            self._raw(status, json.dumps(content).encode(), headers)

        def _raw(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
            self._begin(status, len(content), headers)
            self.wfile.write(content)

        def _begin(self, status: int, length: int, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(length))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

    return Handler


def demo_prompts(folder: Path, count: int) -> list[Prompt]:
    """Prompts of the generated classification set, one an image."""
    from vrft_eval.data_paths import DataPaths
    from vrft_eval.tasks import get_task, load_task
    from vrft_eval.tasks.base import template_of

    spec = get_task("shapes-classification")
    data = load_task(spec, DataPaths(folder).options(spec))
    samples = data.samples(template_of(spec), None)[:count]
    return [Prompt(sample.id, sample.image, sample.prompt) for sample in samples]
