"""The server, as its clients meet it: a process of its own, a real socket, several clients at once."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra: pip install 'vrft[serve]'")
pytest.importorskip("uvicorn", reason="the server needs the extra: pip install 'vrft[serve]'")
pytest.importorskip("prometheus_client", reason="the server needs the extra: pip install 'vrft[serve]'")
httpx = pytest.importorskip("httpx", reason="the test's client needs httpx: pip install 'vrft[test]'")

from vrft_rewards import DetectionReward  # noqa: E402
from vrft_rewards.adapters.options import TaskRewards  # noqa: E402
from vrft_rewards.serve import Limits, create_app, main  # noqa: E402

RIGHT = "<think>One.</think><answer>[{'Position': [0, 0, 500, 500], 'Confidence': 1.0}]</answer>"
BOX = [[0, 0, 500, 500]]
ITEM = {"completion": RIGHT, "truth": BOX}


@contextmanager
def running(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "vrft_rewards.serve", "--port", "0", *options]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if " on " not in line:
            server.wait(30)
            raise AssertionError(f"no server: {line} {server.stderr.read() if server.stderr else ''}")
        yield line.split(" on ")[1].strip(), server
    finally:
        server.kill()
        server.communicate()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running("--task", "detection", "--max-body", "200000", "--max-batch", "50") as (url, _):
        yield url


def post(url: str, path: str, body: Any) -> Any:
    return httpx.post(url + path, content=json.dumps(body), timeout=30)


def test_a_batch_gets_the_scores_of_the_reward(url: str) -> None:
    hostile = ["\ud800<answer>[[1e999, nan]]", None, 7, [{"role": "assistant", "content": RIGHT}]]
    completions = [RIGHT, "No idea.", *hostile]
    answer = post(url, "/score", {"items": [{"completion": text, "truth": BOX} for text in completions]})
    assert answer.status_code == 200
    scores = [DetectionReward().score(text, BOX) for text in completions]
    assert answer.json()["scores"] == [
        {"reward": score.value, "parts": dict(score.parts), "reason": score.reason} for score in scores
    ]
    assert post(url, "/score", {"items": []}).json() == {"scores": []}


def test_openrlhf_is_answered_as_it_asks(url: str) -> None:
    body = {"query": ["P" + RIGHT + "</s>", "P"], "prompts": ["P", "P"], "labels": [json.dumps(BOX), "[]"]}
    answer = post(url, "/get_reward", body)
    assert answer.json() == {
        "rewards": [3.0, 0.0],
        "scores": [1.0, 0.0],
        "extra_logs": {"iou": [1.0, 0.0], "confidence": [1.0, 0.0], "format": [1.0, 0.0]},
    }


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("/score", b"{", 400, "not JSON"),
        ("/score", b'{"items": [{"completion": "", "truth": [[0, 0, NaN, 1]]}]}', 400, "NaN isn't a JSON number"),
        ("/score", b"[" * 150000, 400, "not JSON"),
        ("/score", b"[]", 422, "body: "),
        ("/score", b"{}", 422, "items: Field required"),
        ("/score", b'{"items": [{"completion": "x"}]}', 422, "items[0].truth: Field required"),
        ("/score", b'{"items": [{"completion": "", "truth": [], "image_sise": [1, 1]}]}', 422, "items[0].image_sise: "),
        ("/score", json.dumps({"items": [ITEM, {"completion": "", "truth": "bus"}]}).encode(), 422, "row 1: truth: "),
        ("/score", json.dumps({"items": [{**ITEM, "task": "counting"}]}).encode(), 422, "row 0: task: 'counting'"),
        ("/score", json.dumps({"items": [ITEM] * 51}).encode(), 413, "items: at most 50 a request, got 51"),
        ("/score", b" " * 200001, 413, "body: at most 200000 bytes"),
        ("/get_reward", b'{"query": ["a"], "prompts": [], "labels": []}', 422, "prompts: expected 1"),
        ("/get_reward", b'{"query": ["a"], "prompts": ["b"], "labels": ["[]"]}', 422, "row 0: query: doesn't hold"),
    ],
)
def test_what_is_wrong_is_said(url: str, path: str, body: bytes, status: int, detail: str) -> None:
    answer = httpx.post(url + path, content=body, timeout=30)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]
    assert len(answer.content) < 1000


def test_a_body_without_a_length_is_limited_too(url: str) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 1000

    try:
        answer = httpx.post(url + "/score", content=endless(), timeout=30)
    except (httpx.WriteError, httpx.ReadError):
        return  # the server had closed the connection while the client was still sending
    assert answer.status_code == 413


def test_many_clients_at_once_get_their_own_answers(url: str) -> None:
    def ask(number: int) -> bool:
        box = [[0, 0, 100 + number, 500]]
        answer = post(url, "/score", {"items": [{"completion": RIGHT, "truth": box}] * 20})
        return bool(
            [item["reward"] for item in answer.json()["scores"]] == [DetectionReward().score(RIGHT, box).value] * 20
        )

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(64)))


def test_health_and_metrics(url: str) -> None:
    health = httpx.get(url + "/health", timeout=30).json()
    assert (health["status"], health["tasks"]) == ("ok", ["detection"])
    before = counter(url, "vrft_completions_total")
    post(url, "/score", {"items": [ITEM] * 3})
    assert counter(url, "vrft_completions_total") == before + 3
    assert counter(url, 'vrft_reward_bucket{le="+Inf"}') == before + 3
    assert counter(url, 'vrft_requests_total{path="/score",status="200"}') >= 1
    assert counter(url, "vrft_requests_in_progress") == 0


def counter(url: str, name: str) -> float:
    lines = httpx.get(url + "/metrics", timeout=30).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name + " "))


def connect(url: str, body: bytes, length: int) -> socket.socket:
    """Open a connection and send a request that announces `length` bytes and has `body` so far."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    client = socket.create_connection((parts.hostname, parts.port or 80), timeout=30)
    head = f"POST /score HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {length}\r\n\r\n"
    client.sendall(head.encode() + body)
    return client


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def test_one_request_too_many_is_told_to_come_back() -> None:
    with running("--task", "detection", "--max-requests", "2") as (url, _):
        body = json.dumps({"items": [ITEM]}).encode()
        slow = [connect(url, body[:5], len(body)) for _ in range(2)]
        wait_for(lambda: counter(url, "vrft_requests_in_progress") == 2)
        refused = post(url, "/score", {"items": [ITEM]})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert httpx.get(url + "/health", timeout=30).status_code == 200
        for client in slow:
            client.sendall(body[5:])
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
            client.close()
        assert post(url, "/score", {"items": [ITEM]}).status_code == 200


def test_a_client_that_goes_away_frees_its_place() -> None:
    with running("--task", "detection", "--max-requests", "1") as (url, _):
        connect(url, b"{", 100).close()
        wait_for(lambda: counter(url, "vrft_requests_in_progress") == 0)
        assert post(url, "/score", {"items": [ITEM]}).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_finishes_what_has_begun(number: signal.Signals) -> None:
    with running("--task", "detection") as (url, server):
        body = json.dumps({"items": [ITEM]}).encode()
        client = connect(url, body[:5], len(body))
        wait_for(lambda: counter(url, "vrft_requests_in_progress") == 1)
        server.send_signal(number)
        # No new connections from here on; the request that was begun is answered.
        wait_for(lambda: not reachable(url))
        client.sendall(body[5:])
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.close()
        assert server.wait(30) == 0


def reachable(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "counting"], "task: unknown task 'counting'"),
        (["--task", "detection", "--labels", "x"], "labels: only for classification"),
        (["--task", "detection", "--max-batch", "0"], "max_batch: expected a number above 0, got 0"),
        (["--task", "detection", "--host", "256.0.0.1"], "--host 256.0.0.1"),
        (["--task", "detection", "--port", "99999"], "--port 99999"),
    ],
)
def test_bad_options_end_with_one_message(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 2
    assert message in capsys.readouterr().err


def test_the_description_in_the_docs_is_the_servers() -> None:
    made = create_app(TaskRewards("detection"), Limits()).openapi()
    path = Path(__file__).parents[2] / "docs" / "serve.openapi.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["paths"].keys() == made["paths"].keys()
    schemas, ours = written["components"]["schemas"], made["components"]["schemas"]
    assert schemas.keys() == ours.keys()
    for name, schema in ours.items():
        assert schemas[name]["properties"].keys() == schema["properties"].keys()
        assert schemas[name].get("required") == schema.get("required")
