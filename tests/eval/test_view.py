"""`vrft-eval view`: a real server over a run that grows."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from eval_helpers import completion, write_coco, write_lines
from typer.testing import CliRunner

from vrft_eval.cli import app
from vrft_eval.errors import InputError
from vrft_eval.run_lock import locked
from vrft_eval.view import live
from vrft_eval.view.app import create_app, hosts_of
from vrft_eval.view.scored import Watched
from vrft_eval.view.tail import Tail
from vrft_rewards.serve.command import listen

IMAGES = 12
SIZE = (60, 40)
BOX = [10.0, 10.0, 40.0, 30.0]
PATIENCE = 60.0


def _document() -> dict[str, Any]:
    return {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 60, "height": 40} for k in range(1, IMAGES + 1)],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 1, "bbox": [10, 10, 30, 20], "area": 600, "iscrowd": 0}
            for k in range(1, IMAGES + 1)
        ],
    }


def _line(key: int, text: str | None = None) -> bytes:
    text = completion([BOX], SIZE, [0.9]) if text is None else text
    return json.dumps({"id": f"{key}:1", "completion": text, "tokens": 20}).encode() + b"\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and a finished run over twelve images, each found; the gate is the truth."""
    root = tmp_path_factory.mktemp("finished")
    write_coco(root / "data", _document(), images=True)
    rows = [json.loads(_line(key)) for key in range(1, IMAGES + 1)]
    responses = write_lines(
        root / "responses.jsonl", [{"id": row["id"], "completion": row["completion"]} for row in rows]
    )
    command = ("score", "detection", "--data", root / "data", "--responses", responses, "--out", root / "run")
    result = CliRunner().invoke(app, [*map(str, command), "--gate", "truth"])
    assert result.exit_code == 0, result.output
    return root


@pytest.fixture
def going(finished: Path, tmp_path: Path) -> Path:
    """A run of the same that has only begun: run.json, and an empty journal."""
    run = tmp_path / "going"
    run.mkdir()
    (run / "run.json").write_bytes((finished / "run" / "run.json").read_bytes())
    (run / "responses.jsonl").touch()
    return run


@contextmanager
def _served(folder: Path) -> Iterator[httpx.Client]:
    with ThreadPoolExecutor(1) as executor, listen("127.0.0.1", 0) as listener:
        made = create_app(folder, executor, hosts_of("127.0.0.1"))
        server = uvicorn.Server(uvicorn.Config(made, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=address, timeout=PATIENCE) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def _status(client: httpx.Client, run: Path) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/status{run}").json()
    return found


def _until(client: httpx.Client, run: Path, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    ends = time.monotonic() + PATIENCE
    while not reached(status := _status(client, run)):
        assert time.monotonic() < ends, status
        time.sleep(0.05)
    return status


def _append(run: Path, *lines: bytes) -> None:
    with (run / "responses.jsonl").open("ab") as stream:
        stream.write(b"".join(lines))


def _shown(client: httpx.Client, run: Path) -> str:
    page = client.get(f"/f{run}/report.html")
    assert page.status_code == 200
    return page.text


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score again at once, however long the last time took."""
    monkeypatch.setattr(live, "_LEAST", 0.0)
    monkeypatch.setattr(live, "_TIMES", 0)


@pytest.mark.usefixtures("eager")
def test_a_run_that_grows_has_a_page_that_grows_and_is_not_written_to(going: Path, finished: Path) -> None:
    with locked(going), _served(going) as client:
        before = _written(going)
        assert client.get("/").text.count("<iframe") == 0
        first = _until(client, going, lambda status: "of 12" in status["line"])
        assert (first["version"], first["scored"], first["finished"]) == ("", 0, False)
        assert client.get(f"/f{going}/report.html").status_code == 404
        _append(going, *(_line(key) for key in (1, 2, 3)), _line(4, "No Objects"), b'{"id": "5:1", "compl')
        second = _until(client, going, lambda status: status["scored"] == 4)
        assert second["line"].startswith("4 of 12")
        assert second["error"] is None
        page = _shown(client, going)
        assert "about the 4 of 12 samples that are answered so far" in page
        # Three of the four objects that were asked about: those of the other images don't count as missed yet.
        assert re.search(r"<title>detection: mAP 0\.7\d\d</title>", page)
        _append(going, b'etion": "No Objects"}\n')
        third = _until(client, going, lambda status: status["scored"] == 5)
        assert third["line"].startswith("5 of 12")
        assert third["version"] not in ("", second["version"])
        assert _written(going).keys() == before.keys()
        assert all(_written(going)[file] == before[file] for file in before if file.name != "responses.jsonl")
        # The run's own command makes the report: then that is what is shown.
        for name in ("report.html", "report.json"):
            (going / name).write_bytes((finished / "run" / name).read_bytes())
        last = _until(client, going, lambda status: status["finished"])
        assert last["line"] == "finished"
        assert client.get("/").headers["location"] == f"/f{going}/report.html"
        assert _shown(client, going) == (going / "report.html").read_text(encoding="utf-8")


def _written(root: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in root.rglob("*")}


@pytest.mark.usefixtures("eager")
def test_nothing_is_scored_again_while_nothing_is_answered(going: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    render = Watched.render

    def counted(self: Watched) -> tuple[str, int] | None:
        made.append(1)
        return render(self)

    monkeypatch.setattr(Watched, "render", counted)
    _append(going, _line(1))
    with _served(going) as client:
        _until(client, going, lambda status: status["scored"] == 1)
        times = len(made)
        for _ in range(20):
            assert _status(client, going)["version"] == "page 1"
        _append(going, _line(2))
        _until(client, going, lambda status: status["scored"] == 2)
        assert len(made) == times + 1


def test_scoring_waits_a_multiple_of_what_it_took(going: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_LEAST", 3600.0)
    _append(going, _line(1))
    with _served(going) as client:
        _until(client, going, lambda status: status["scored"] == 1)
        _append(going, _line(2))
        status = _until(client, going, lambda status: status["line"].startswith("2 of 12"))
        assert (status["scored"], status["version"]) == (1, "page 1")


@pytest.mark.usefixtures("eager")
def test_failures_repeats_and_a_broken_journal_are_told(going: Path) -> None:
    failed = json.dumps({"id": "1:1", "completion": None, "error": "out of memory"}).encode() + b"\n"
    _append(going, failed, _line(2))
    with _served(going) as client:
        status = _until(client, going, lambda status: status["scored"] == 2)
        assert "1 failed" in status["line"]
        _append(going, _line(1))
        status = _until(client, going, lambda status: status["version"] == "page 2")
        assert status["line"].startswith("2 of 12")
        assert "failed" not in status["line"]
        _append(going, b'{"id": 7}\n')
        status = _until(client, going, lambda status: status["error"] is not None)
        assert f"{going / 'responses.jsonl'}:4: id: " in status["error"]
        assert status["scored"] == 2  # the last good page stays


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("keys", [(3,), (9, 10, 11, 12)])  # less than was there, and more
@pytest.mark.parametrize("how", ["written over", "removed", "replaced"])
def test_a_run_that_is_started_over_is_counted_anew(going: Path, keys: tuple[int, ...], how: str) -> None:
    journal = going / "responses.jsonl"
    _append(going, *(_line(key) for key in (1, 2)))
    with _served(going) as client:
        _until(client, going, lambda status: status["scored"] == 2 and status["line"].startswith("2 of 12"))
        if how == "removed":
            journal.unlink()
        anew = going / "anew" if how == "replaced" else journal
        anew.write_bytes(b"".join(_line(key) for key in keys))
        anew.replace(journal)
        status = _until(client, going, lambda status: status["scored"] == len(keys))
        assert status["line"].startswith(f"{len(keys)} of 12")


def test_a_journal_of_which_a_line_was_no_answer_is_read_from_its_start(tmp_path: Path) -> None:
    journal = tmp_path / "responses.jsonl"
    tail = Tail(journal)
    journal.write_bytes(_line(1) + _line(2))
    assert tail.look(12).answered == 2
    with journal.open("ab") as stream:
        stream.write(_line(3) + b"{\n" + _line(4))
    for _ in range(2):
        with pytest.raises(InputError, match="not JSON"):
            tail.look(12)
    journal.write_bytes(_line(1) + _line(2) + _line(3))
    assert tail.look(12).answered == 3


@pytest.mark.usefixtures("eager")
def test_an_error_that_nobody_expected_is_told(going: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Watched) -> None:
        raise KeyError("scoring")

    _append(going, _line(1))
    with _served(going) as client, monkeypatch.context() as patched:
        patched.setattr(Watched, "render", broken)
        assert _until(client, going, lambda status: status["error"] is not None)["error"] == "KeyError: 'scoring'"
        patched.undo()
        _append(going, _line(2))
        assert _until(client, going, lambda status: status["scored"] == 2)["error"] is None


def test_images_are_shown_as_soon_as_the_data_can_be_read(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, data = finished / "run", finished / "data"
    monkeypatch.setattr(live, "_AGAIN", 0.0)
    with _served(run) as client:
        assert _shown(client, run)
        annotations = (data / "annotations.json").rename(data / "away.json")
        try:
            assert _refused(client, f"/f{data}/images/1.png")
        finally:
            annotations.rename(data / "annotations.json")
        assert client.get(f"/f{data}/images/1.png").status_code == 200


def _refused(client: httpx.Client, path: str) -> bool:
    # The path as it stands: other clients put it right before they ask.
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=PATIENCE)
    with closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status == 404


def test_a_folder_named_by_way_of_its_parent_is_viewed(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished / "data")
    with _served(Path("../run")) as client:
        assert client.get("/").headers["location"] == f"/f{finished}/run/report.html"
        assert _shown(client, finished / "run")
    with _served(Path("..")) as client:
        assert client.get(f"/view{finished}/run").headers["location"] == f"/f{finished}/run/report.html"


def test_only_files_of_the_run_and_images_of_its_samples_are_served(finished: Path, tmp_path: Path) -> None:
    run, data = finished / "run", finished / "data"
    secret = tmp_path / "secret.png"
    secret.write_bytes((data / "images" / "1.png").read_bytes())
    (data / "images" / "other.png").write_bytes(secret.read_bytes())
    (run / "notes.txt").write_text("private", encoding="utf-8")
    with _served(run) as client:
        assert client.get("/").headers["location"] == f"/f{run}/report.html"
        assert _refused(client, f"/f{data}/images/1.png")  # no report was opened
        assert _shown(client, run)
        image = client.get(f"/f{data}/images/1.png")
        assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
        assert client.get(f"/f{run}/run.json").json()["settings"]["task"] == "detection"
        for path in (
            *("/f/etc/passwd", f"/f{run}/notes.txt", f"/f{run}", f"/f{data}/annotations.json", f"/f{secret}"),
            *(f"/f{data}/images/other.png", f"/f{data}/images/none.png", f"/f{run}/.lock", "/f/", "/view/", "/status/"),
            *(f"/f{run}/../run/run.json", f"/f{run}/%2e%2e/run/run.json", f"/f{run}/..%2frun/run.json", "/f%00"),
            *(f"/f{data}/images/../images/1.png", "/f//etc/passwd", f"/status{tmp_path}"),
        ):
            assert _refused(client, path), path
        assert client.post("/").status_code == 405


def test_links_out_of_the_data_or_the_run_are_not_followed(finished: Path, tmp_path: Path) -> None:
    outside, data, run = tmp_path / "outside", tmp_path / "data", tmp_path / "run"
    write_coco(data, _document(), images=True)
    responses = write_lines(tmp_path / "r.jsonl", [{"id": "1:1", "completion": "No Objects"}])
    command = ("score", "detection", "--data", data, "--responses", responses, "--out", run)
    result = CliRunner().invoke(app, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    outside.mkdir()
    (run / "report.md").unlink()
    (run / "report.md").symlink_to("/etc/passwd")
    image = data / "images" / "1.png"
    with _served(run) as client:
        assert _shown(client, run)
        assert client.get(f"/f{image}").status_code == 200
        image.rename(outside / "1.png")
        image.symlink_to(outside / "1.png")
        assert _refused(client, f"/f{image}")
        assert _refused(client, f"/f{outside}/1.png")
        assert _refused(client, f"/f{run}/report.md")
    with _served(run) as client:  # such data aren't even loaded
        assert _shown(client, run)
        assert _refused(client, f"/f{image}")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "[evil.example]", "[::1].example", ":80", ""]
)
def test_a_foreign_host_is_refused(finished: Path, host: str) -> None:
    with _served(finished / "run") as client:
        for path in ("/", f"/status{finished / 'run'}", f"/f{finished / 'run'}/report.html"):
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code == 400
            assert "mAP" not in answer.text


@pytest.mark.parametrize("host", ["192.0.2.7", "192.0.2.7:8000", "[2001:db8::7]:8000", "[::1]", "LOCALHOST:80"])
def test_an_address_is_no_foreign_host(finished: Path, host: str) -> None:
    with _served(finished / "run") as client:
        assert client.get("/", headers={"Host": host}).status_code == 307


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_machine_that_listens_for_all_knows_its_name_without_a_resolver(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "gethostname", lambda: "Workstation")
    monkeypatch.setattr(socket, "gethostbyaddr", unknown)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert {"localhost", "workstation"} <= set(hosts_of(host))


def test_answers_carry_no_permission_for_other_sites(finished: Path) -> None:
    with _served(finished / "run") as client:
        for path in ("/", f"/status{finished / 'run'}", f"/f{finished / 'run'}/report.html"):
            headers = client.get(path, headers={"Origin": "http://evil.example"}).headers
            assert "access-control-allow-origin" not in headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["content-security-policy"] == "frame-ancestors 'self'"
            assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_folder_of_runs_is_a_list_with_numbers_and_ways_to_the_reports(finished: Path, going: Path) -> None:
    root = going.parent
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "<b>done").symlink_to(finished / "run")  # not followed
    for name in ("a", "<b>b"):
        (root / "deep" / name).mkdir()
        for file in (finished / "run").iterdir():
            (root / "deep" / name / file.name).write_bytes(file.read_bytes())
    _append(going, _line(1))
    with _served(root) as client:
        page = client.get("/").text
        rows = re.findall(r'<tr><td class="w"><a href="([^"]*)">(.*?)</a>', page)
        assert [name for _, name in rows] == ["deep/&lt;b&gt;b", "deep/a", "going"]
        assert "1 answered" in page
        assert page.count("1.000") >= 2
        for link, name in rows:
            answer = client.get(f"/{link}")
            if name == "going":
                assert 'href="/">all runs' in answer.text
                assert f'data-status="/status{going}"' in answer.text
            else:
                assert client.get(answer.headers["location"]).status_code == 200


@pytest.mark.parametrize("name", ["none", "empty"])
def test_what_holds_no_run_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(app, ["view", str(tmp_path / name)])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert name in result.stderr


def test_a_taken_port_is_one_line(finished: Path) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        result = CliRunner().invoke(app, ["view", str(finished / "run"), "--port", str(port)])
    assert result.exit_code == 2
    assert f"--host, --port: can't listen there: {os.strerror(98)}" in result.stderr.replace("[Errno 98] ", "")


def test_the_command_says_where_it_listens_and_ends_by_a_signal(finished: Path) -> None:
    command = [sys.executable, "-c", "from vrft_eval.cli import main; main()", "view", str(finished / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"on (http://127\.0\.0\.1:\d+/)", process.stdout.readline())
        assert found is not None
        page = httpx.get(found[1], follow_redirects=True, timeout=PATIENCE)
        assert "mAP" in page.text
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_listening_to_others_is_warned_about(finished: Path) -> None:
    command = [sys.executable, "-c", "from vrft_eval.cli import main; main()", "view", str(finished / "run")]
    command += ["--host", "0.0.0.0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"on http://0\.0\.0\.0:(\d+)/", process.stdout.readline())
        assert found is not None
        assert httpx.get(f"http://127.0.0.1:{found[1]}/", timeout=PATIENCE).status_code == 307
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == "0.0.0.0 can be reached from elsewhere, and there is no password\n"
