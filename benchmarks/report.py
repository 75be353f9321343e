"""What a page of 5,000 samples costs: `python benchmarks/report.py`.

Generates photos (640 x 480), truth and answers as a model writes them, scores them, and measures report.html:

- *written*: CPU seconds from the judged answers to the file, the median of rounds;
- *size*: megabytes of the file, its images shown from where they lie but for the thumbnails there is room for;
- *first paint* and *ready*: seconds until headless Chromium shows the page, and until a sample is shown;
- *filter*, *search* and *sort*: CPU milliseconds of the page's main thread from the click, or the letter typed, until
  the list and the sample found are laid out and drawn, the slowest of several.

CPU time, since a busy machine is no fault of the page's; the time by the clock stands beside it.

Needs Playwright (extra dev) and a Chromium: the distribution's, or the program named in CHROMIUM. Exits with 1 when a
limit is passed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from vrft_eval import commands
from vrft_eval.commands import DataPaths
from vrft_eval.report import write_reports

SAMPLES = 5000
LIMITS = {"written": 20.0, "first paint": 2.0, "a sample shown": 2.0, "filter": 0.1, "search": 0.1, "sort": 0.1}
"""Seconds."""
MEGABYTES = 15.0
ROUNDS = 3
_CATEGORIES = ["person", "car", "dog", "bicycle", "traffic light", "kite", "teddy bear", "dining table"]
_THINKING = "The picture shows a street with several objects. I look at each and note where it begins and ends. "


class Taken(NamedTuple):
    """What something took, of the processor and by the clock."""

    cpu: float
    clock: float


def generate(folder: Path, samples: int) -> None:
    """Write a COCO data folder and responses.jsonl: a category an image, thoughts of 100 to 800 characters."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    noise = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    document: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": key, "name": name} for key, name in enumerate(_CATEGORIES, start=1)],
    }
    lines = []
    size = np.array([640, 480, 640, 480])
    for key in range(1, samples + 1):
        name = f"{key:012d}.jpg"
        picture = Image.fromarray(np.roll(noise, key, axis=(0, 1))).resize((640, 480), Image.Resampling.BICUBIC)
        picture.save(folder / "images" / name, quality=85)
        document["images"].append({"id": key, "file_name": name, "width": 640, "height": 480})
        category = 1 + key % len(_CATEGORIES)
        sides = rng.uniform(30, 250, (int(rng.integers(0, 5)), 2))
        corners = rng.uniform(0, 1, sides.shape) * (size[:2] - sides)
        true = np.concatenate([corners, corners + sides], axis=1)
        for x1, y1, x2, y2 in true.tolist():
            document["annotations"].append(
                {
                    "id": len(document["annotations"]) + 1,
                    "image_id": key,
                    "category_id": category,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                }
            )
        found = true[rng.random(len(true)) < 0.85] + rng.normal(0, 9, (1, 4))
        boxes = np.clip(found / size * 1000, 0, 1000).round().astype(int)
        items = [f"{{'Position': {box}, 'Confidence': {rng.beta(4, 2):.2f}}}" for box in boxes.tolist()]
        answer = f"[{', '.join(items)}]" if items else "No Objects"
        end = "</answer>" if rng.random() > 0.05 else ""
        said = f"<think>{_THINKING * int(rng.integers(1, 9))}</think><answer>{answer}{end}"
        lines.append(json.dumps({"id": f"{key}:{category}", "completion": said}) + "\n")
    (folder / "annotations.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "responses.jsonl").write_text("".join(lines), encoding="utf-8")


def write(data: Path, run: Path, rounds: int) -> Taken:
    """Score the answers, then write the reports some times; the median of the seconds that took."""
    found = commands.score("detection", data / "responses.jsonl", run, paths=DataPaths(data), resamples=200)
    used, passed = [], []
    for _ in range(rounds):
        start, clock = time.process_time(), time.perf_counter()
        write_reports(run, found.report, found.judged, found.measures, found.info)
        used.append(time.process_time() - start)
        passed.append(time.perf_counter() - clock)
    return Taken(statistics.median(used), statistics.median(passed))


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("no Chromium: install the distribution's package, or name the program in CHROMIUM")
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


_DRAWN = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
_TIMED = f"""async (action) => {{
  const start = performance.now();
  new Function(action)();
  await {_DRAWN};
  return performance.now() - start;
}}"""


def _clicks(selector: str) -> str:
    return f"document.querySelector('{selector}').click()"


def _types(text: str) -> str:
    field = _field("input[type=search]")
    return f"{field}.value = '{text}'; {field}.dispatchEvent(new Event('input'))"


def _sorts(order: str) -> str:
    field = _field("select[aria-label=order]")
    return f"{field}.value = '{order}'; {field}.dispatchEvent(new Event('change'))"


def _field(selector: str) -> str:
    return f"document.querySelector('{selector}')"


ACTIONS = {
    "filter": [*map(_clicks, ("[data-show=wrong]", "[data-show=missed]", "[data-show=broken]", "[data-show=all]"))],
    "search": [*map(_types, ("s", "str", "street w", "no answer says this", "0.97", ""))],
    "sort": [*map(_sorts, ("low-reward", "high-iou", "long", "unsure"))],
}


def look(run: Path) -> dict[str, Taken]:
    """Seconds that the browser needs to the first paint, to the first sample, and for the slowest of each action."""
    found: dict[str, Taken] = {}
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        meter = page.context.new_cdp_session(page)
        meter.send("Performance.enable", {"timeDomain": "threadTicks"})

        def used() -> float:
            """CPU seconds of the page's main thread."""
            values = meter.send("Performance.getMetrics")["metrics"]
            seconds: float = next(entry["value"] for entry in values if entry["name"] == "TaskDuration")
            return seconds

        start = time.perf_counter()
        page.goto((run / "report.html").as_uri(), wait_until="commit")
        page.locator(".detail .top").wait_for()
        found["a sample shown"] = Taken(used(), time.perf_counter() - start)
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        page.wait_for_function(paint)
        first = page.evaluate(paint) / 1000
        found["first paint"] = Taken(first, first)
        page.wait_for_timeout(2000)
        for name, actions in ACTIONS.items():
            taken = []
            for action in actions:
                before = used()
                clock = page.evaluate(_TIMED, action) / 1000
                taken.append(Taken(used() - before, clock))
            found[name] = max(taken)
    return found


def main() -> int:
    """Print the table; exit with 1 when a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of writing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        data, run = Path(name) / "data", Path(name) / "run"
        generate(data, options.samples)
        taken = {"written": write(data, run, options.rounds), **look(run)}
        megabytes = (run / "report.html").stat().st_size / 1e6
    print(f"report.html of {options.samples:,} samples\n\n| what | CPU | clock | limit |\n|---|---|---|---|")
    for name, limit in LIMITS.items():
        unit, scale, digits = ("s", 1, 2) if limit >= 1 else ("ms", 1000, 0)
        shown = (f"{scale * value:.{digits}f} {unit}" for value in (*taken[name], limit))
        print(f"| {name} | {' | '.join(shown)} |")
    print(f"| size | {megabytes:.1f} MB | | {MEGABYTES:g} MB |")
    fits = all(taken[name].cpu <= limit for name, limit in LIMITS.items())
    return 0 if fits and megabytes <= MEGABYTES else 1


if __name__ == "__main__":
    raise SystemExit(main())
