"""Why a detection result is as it is: is confidence honest (ECE), and what do the errors cost (TIDE)?

Both through hotcoco, checked in the tests against small computations of their own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vrft_eval.metrics.engines import hotcoco_run
from vrft_eval.metrics.matches import IOU_THRESHOLDS, Matches
from vrft_eval.metrics.table import BoxTruth, Detected, DetectionTable
from vrft_eval.schemas import Calibration, CalibrationBin, Diagnostics, ErrorKinds

BINS = 10
BACKGROUND_IOU = 0.1


def diagnose(table: DetectionTable, matches: Matches) -> Diagnostics:
    """Calibration and error kinds of the matched categories."""
    return Diagnostics(calibration=calibration(matches), errors=error_kinds(table, matches))


def calibration(matches: Matches) -> Calibration | None:
    """Expected calibration error of confidence against being right at IoU .50 (Guo et al., arXiv 1706.04599).

    ECE = sum over bins of share of detections * |mean confidence - share right|, in ten bins of equal width; what
    the metrics ignore is left out. None without detections.
    """
    from hotcoco import metrics

    counts = ~matches.ignored[:, 0]
    scores, right = matches.scores[counts], matches.right[counts, 0]
    if not len(scores):
        return None
    ece, mce = metrics.calibration_error(scores, right, BINS)
    bins = [
        CalibrationBin(
            low=found["bin_lower"],
            high=found["bin_upper"],
            count=found["count"],
            confidence=found["avg_confidence"] if found["count"] else None,
            precision=found["avg_accuracy"] if found["count"] else None,
        )
        for found in metrics.calibration_curve(scores, right, BINS)
    ]
    return Calibration(iou=float(IOU_THRESHOLDS[0]), ece=ece, mce=mce, detections=len(scores), bins=bins)


def error_kinds(table: DetectionTable, matches: Matches) -> ErrorKinds | None:
    """TIDE (Bolya et al., arXiv 2008.08558): what AP at IoU .50 would gain if one kind of error were mended.

    hotcoco also measures detections against crowds here, where TIDE leaves these out; so crowds, and the detections
    that they (or LVIS's rules) make ignored, are taken away first. None without truth.
    """
    if not len(matches.truth_image):
        return None
    true, rows = np.isin(table.truth.category, np.unique(matches.truth_category)) & ~table.truth.crowd, matches.row
    rows = np.sort(rows[~matches.ignored[:, 0]])
    truth, found = table.truth, table.found
    nothing = np.zeros(0, dtype=np.int64)
    plain = replace(
        table,
        truth=BoxTruth(truth.image[true], truth.category[true], truth.boxes[true], truth.area[true], truth.crowd[true]),
        found=Detected(found.image[rows], found.category[rows], found.boxes[rows], found.scores[rows]),
        rule="coco",
        negatives=nothing,
        not_exhaustive=nothing,
    )
    iou = float(IOU_THRESHOLDS[0])
    result = hotcoco_run(plain, iou).tide_errors(pos_thr=iou, bg_thr=BACKGROUND_IOU)
    return ErrorKinds(
        iou=result["pos_thr"],
        background_iou=result["bg_thr"],
        ap=result["ap_base"],
        delta_ap=result["delta_ap"],
        counts=result["counts"],
    )
