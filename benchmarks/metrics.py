"""What an evaluation costs: `python benchmarks/metrics.py`.

Generates truth and answers of COCO's size (5,000 images, 80 categories) and of LVIS's (19,809 images, 1,203
categories), polygons and all, and prints four comparisons:

- *the harness* from responses.jsonl to report.json, as `vrft-eval score --resamples 0` does it: the data loaded and
  checked, answers parsed, matched, paid and measured, error kinds, calibration and correlation, run.json,
  responses.jsonl, predictions.json and report.json written. report.md and report.html are counted apart;
- the same with `--engine pycocotools`;
- *the bare engine*: Python's json on the annotations and on the finished predictions.json, then hotcoco on these;
- the bootstrap of 1,000 resamples alone, and the memory of the LVIS-size evaluation, bootstrap included.

Times are CPU seconds of one process (the bootstrap's are of all its threads), the median of rounds in which the
contenders take turns; the ratios are what to look at. Exits with 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from vrft_eval import commands, evaluation
from vrft_eval.commands import DataPaths
from vrft_eval.evaluation import Evaluated
from vrft_eval.files import dump_json, write_atomic
from vrft_eval.metrics.bootstrap import bootstrap
from vrft_eval.report import write_reports

FASTER, WITHIN, GIGABYTES, SECONDS = 10.0, 3.0, 4.0, 60.0
ROUNDS = 5
_THINKING = "The picture shows a street with several objects. I look at each and note where it begins and ends. "


def generate(folder: Path, images: int, categories: int, *, lvis: bool) -> None:
    """Write annotations.json as COCO or LVIS have it, and answers as a model writes them.

    Asked are the categories in each image and some that are not. Boxes are the true ones, moved, missed and doubled,
    and invented ones; confidences have two digits.
    """
    rng = np.random.default_rng(0)
    often = 1 / np.arange(1, categories + 1) ** 0.9
    often /= often.sum()
    document: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    for key in range(1, categories + 1):
        document["categories"].append({"id": key, "name": f"thing {key}", "supercategory": "thing"})
        if lvis:
            document["categories"][-1]["frequency"] = "f" if key < 406 else "c" if key < 867 else "r"
    lines = []
    for image_id in range(1, images + 1):
        width, height = 640, int(rng.integers(400, 500))
        size = np.array([width, height, width, height])
        present = np.unique(rng.choice(categories, size=1 + rng.poisson(7.2 if lvis else 2.1), p=often)) + 1
        absent = np.setdiff1d(rng.integers(1, categories + 1, 4 if lvis else 1), present)
        name = f"{image_id:012d}.jpg"
        image: dict[str, Any] = {"id": image_id, "file_name": name, "width": width, "height": height}
        if lvis:
            image["coco_url"] = f"http://images.cocodataset.org/val2017/{name}"
            image["neg_category_ids"] = absent.tolist()
            image["not_exhaustive_category_ids"] = present[rng.random(len(present)) < 0.06].tolist()
        document["images"].append(image)
        for category in (*present.tolist(), *absent.tolist()):
            true = _boxes(rng, min(40, int(rng.geometric(0.65 if lvis else 0.4))) if category in present else 0, size)
            for x1, y1, x2, y2 in true.round(2).tolist():
                outline = rng.uniform((x1, y1), (x2, y2), (int(rng.integers(6, 40)), 2)).round(2)
                document["annotations"].append(
                    {
                        "segmentation": [outline.ravel().tolist()],
                        "area": round((x2 - x1) * (y2 - y1) * 0.7, 4),
                        "iscrowd": int(not lvis and rng.random() < 0.012),
                        "image_id": image_id,
                        "bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
                        "category_id": category,
                        "id": len(document["annotations"]) + 1,
                    }
                )
            near = np.repeat(true, rng.choice([0, 1, 1, 2, 4], len(true)), axis=0)
            near = near + rng.normal(0, 0.07, near.shape) * np.tile(near[:, 2:] - near[:, :2], 2)
            found = np.concatenate([near, _boxes(rng, rng.poisson(0.9 if len(true) else 0.3), size)])
            lines.append(json.dumps({"id": f"{image_id}:{category}", "completion": _answer(rng, found, size)}) + "\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "annotations.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "responses.jsonl").write_text("".join(lines), encoding="utf-8")


def _boxes(rng: np.random.Generator, count: int, size: Any) -> Any:
    sides = np.exp(rng.uniform(np.log(8), np.log(0.8 * size[:2]), (count, 2)))
    corner = rng.uniform(0, size[:2] - sides)
    return np.concatenate([corner, corner + sides], axis=1)


def _answer(rng: np.random.Generator, boxes: Any, size: Any) -> str:
    whole = np.clip((boxes * 1000 / size).round(), 0, 1000).astype(int)
    kept = whole[(whole[:, :2] < whole[:, 2:]).all(axis=1)].tolist()
    items = [f"{{'Position': {box}, 'Confidence': {rng.beta(4, 2):.2f}}}" for box in kept]
    answer = f"[{', '.join(items)}]" if items else "No Objects"
    return f"<think>{_THINKING * int(rng.integers(1, 4))}</think><answer>{answer}</answer>"


class Stopwatch:
    """CPU seconds of the process, in pieces by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def time(self, name: str, work: Callable[[], Any]) -> Any:
        """Do some work and note how long it took."""
        start = time.process_time()
        result = work()
        self.seconds.setdefault(name, []).append(time.process_time() - start)
        return result

    def median(self, name: str) -> float:
        """The median of what was noted."""
        return statistics.median(self.seconds[name])


def score(data: Path, out: Path, watch: Stopwatch, engine: str) -> Evaluated:
    """Score the recorded answers; what is for people to read is noted apart."""
    pages: list[tuple[Any, ...]] = []

    def only_json(folder: Path, report: Any, *rest: Any) -> None:
        write_atomic(folder / "report.json", dump_json(report.model_dump(mode="json")))
        pages.append((folder, report, *rest))

    def work() -> Evaluated:
        return commands.score(
            "detection",
            data / "responses.jsonl",
            out,
            paths=DataPaths(data),
            engine=engine,
            resamples=0,
            new=True,
        )

    with patch.object(evaluation, "write_reports", only_json):
        found: Evaluated = watch.time(engine, work)
    watch.time("pages", lambda: write_reports(*pages[0]))
    return found


def bare(data: Path, predictions: Path) -> float:
    """Decode both files and run hotcoco, as few lines as it takes."""
    import hotcoco

    truth = hotcoco.COCO(json.loads((data / "annotations.json").read_bytes()))
    engine = hotcoco.COCOeval(truth, truth.load_res(json.loads(predictions.read_bytes())), "bbox")
    engine.evaluate()
    engine.accumulate()
    curves: Any = engine.eval
    precision = curves["precision"][..., 0, -1]
    return float(precision[precision > -1].mean())


def bare_files(data: Path, predictions: Path) -> None:
    """The same with hotcoco reading the files itself."""
    import hotcoco

    truth = hotcoco.COCO(str(data / "annotations.json"))
    engine = hotcoco.COCOeval(truth, truth.load_res(str(predictions)), "bbox")
    engine.evaluate()
    engine.accumulate()


def coco_size(folder: Path, rounds: int, slow_rounds: int) -> bool:
    """Print time and bootstrap of the COCO-size evaluation."""
    data, watch = folder / "coco", Stopwatch()
    generate(data, 5000, 80, lvis=False)
    found = score(data, folder / "run", Stopwatch(), "hotcoco")
    counts = found.report.counts
    predictions = folder / "run" / "predictions.json"
    for turn in range(rounds):
        found = score(data, folder / "run", watch, "hotcoco")
        value = watch.time("bare", lambda: bare(data, predictions))
        watch.time("bare files", lambda: bare_files(data, predictions))
        assert abs(value - (found.report.metrics["mAP"] or 0)) < 1e-9
        if turn < slow_rounds:
            reference = score(data, folder / "reference", watch, "pycocotools")
            assert abs((reference.report.metrics["mAP"] or 0) - value) < 1e-9
    harness, reference_time = watch.median("hotcoco"), watch.median("pycocotools")
    faster, slower = reference_time / harness, harness / watch.median("bare")
    print(f"COCO-size: {_size(counts)}; mAP {value:.4f} by all three\n")
    print("| responses.jsonl to report.json | CPU seconds | limit |\n|---|---|---|")
    print(f"| harness, hotcoco | {harness:.2f} | |")
    print(f"| harness, pycocotools | {reference_time:.2f} | |")
    print(f"| bare engine: json and hotcoco | {watch.median('bare'):.2f} | |")
    print(f"| bare engine, hotcoco reading the files | {watch.median('bare files'):.2f} | |")
    print(f"| report.md and report.html, not counted above | {watch.median('pages'):.2f} | |")
    print(f"| times as fast as through pycocotools | {faster:.1f} | {FASTER:g} at least |")
    print(f"| times the bare engine | {slower:.2f} | {WITHIN:g} at most |")
    records = found.measures.records
    assert records is not None
    clock = time.perf_counter()
    watch.time("bootstrap", lambda: bootstrap(records, 1000, 0))
    clock = time.perf_counter() - clock
    print(f"| bootstrap, 1,000 resamples | {watch.median('bootstrap'):.1f} | {SECONDS:g} |", flush=True)
    print(f"| the same by the clock | {clock:.1f} | {SECONDS:g} |\n", flush=True)
    return faster >= FASTER and slower <= WITHIN and clock <= SECONDS


def _size(counts: dict[str, Any]) -> str:
    names = ("images", "categories", "true_boxes", "samples", "predicted_boxes")
    return ", ".join(f"{counts[name]:,} {name.replace('_', ' ')}" for name in names)


def lvis_size(folder: Path) -> bool:
    """Print memory and time of the LVIS-size evaluation, in a process of its own."""
    data = folder / "lvis"
    subprocess.run([sys.executable, __file__, "--generate-lvis", str(data)], check=True)
    command = [sys.executable, __file__, "--score", str(data), str(folder / "lvis-run")]
    row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    print(f"LVIS-size: {_size(row)}; mAP {row['mAP']:.4f}\n")
    print("| responses.jsonl to all reports, 1,000 resamples | | limit |\n|---|---|---|")
    print(f"| peak memory | {row['gigabytes']:.2f} GB | {GIGABYTES:g} GB |")
    print(f"| CPU seconds | {row['seconds']:.0f} | |")
    return bool(row["gigabytes"] <= GIGABYTES)


def score_once(data: Path, out: Path) -> None:
    """Score with everything on, and print what it took as JSON."""
    found = commands.score("detection", data / "responses.jsonl", out, paths=DataPaths(data), new=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    row = {**found.report.counts, "mAP": found.report.metrics["mAP"], "gigabytes": peak / 1e9}
    print(json.dumps({**row, "seconds": time.process_time()}))


def main() -> int:
    """Print the tables; exit with 1 when a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--slow-rounds", type=int, default=2, help="of pycocotools")
    parser.add_argument("--only", choices=["coco", "lvis"])
    parser.add_argument("--generate-lvis", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--score", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate_lvis:
        generate(options.generate_lvis, 19_809, 1203, lvis=True)
        return 0
    if options.score:
        score_once(*options.score)
        return 0
    fits = True
    with tempfile.TemporaryDirectory() as name:
        if options.only != "lvis":
            fits = coco_size(Path(name), options.rounds, options.slow_rounds)
        if options.only != "coco":
            fits = lvis_size(Path(name)) and fits
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
