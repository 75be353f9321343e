"""The words and number formats that all reports share."""

from __future__ import annotations

METRICS = {
    "mAP": "average precision, mean over IoU .50 to .95 and over the selected categories",
    "AP50": "average precision at IoU .50",
    "AP75": "average precision at IoU .75",
    "APr": "mAP of rare categories (at most 10 training images)",
    "APc": "mAP of common categories (11 to 100 training images)",
    "APf": "mAP of frequent categories (more than 100 training images)",
    "APs": "mAP of objects below 32x32 pixels",
    "APm": "mAP of objects from 32x32 to 96x96 pixels",
    "APl": "mAP of objects above 96x96 pixels",
    "AR1": "recall with 1 detection an image and category, mean over IoU .50 to .95",
    "AR10": "recall with 10 detections",
    "AR100": "recall with 100 detections",
    "AR300": "recall with 300 detections an image, mean over IoU .50 to .95",
    "ARs": "recall of objects below 32x32 pixels",
    "ARm": "recall of objects from 32x32 to 96x96 pixels",
    "ARl": "recall of objects above 96x96 pixels",
    "accuracy": "share of answers that are the class's name, exactly after normalisation (rule strict)",
    "accuracy_fuzzy": "the same, taking mentions and near spellings too, as the reward does (rule fuzzy)",
    "accuracy_visual_rft": "the same by Visual-RFT's script: one name holds the other (rule visual-rft)",
    "mIoU": "mean IoU of predicted and true box, 0 where there is no box",
    "Acc50": "share of boxes with an IoU of .50 or more",
    "gIoU": "mean over images of the masks' IoU (LISA's rule)",
    "cIoU": "all masks' intersections over all their unions (LISA's rule)",
    "gIoU_visual_rft": "gIoU by Visual-RFT's script: first polygon only, nothing ignored",
    "cIoU_visual_rft": "cIoU by Visual-RFT's script: first polygon only, nothing ignored",
    "truth": "true boxes or samples",
    "predicted": "predicted boxes or samples",
    "selected": "counts in the headline",
}

COUNTS = {
    "samples": "prompts asked",
    "answered": "answered",
    "unanswered": "without an answer",
    "failed": "failed",
    "cut_off": "cut off at the token limit",
    "format_broken": "format broken",
    "unreadable": "nothing readable in the answer",
    "right": "right",
    "images": "images",
    "categories": "categories",
    "categories_without_truth": "categories without ground truth",
    "true_boxes": "true boxes",
    "predicted_boxes": "predicted boxes",
    "other_class": "answers that name another class",
    "off_list": "answers that name no class of the list",
    "without_answer": "nothing answered (missing, failed or empty)",
    "visual_rft_paid_wrong": "wrong, but right by the visual-rft rule",
    "visual_rft_unpaid_right": "right, but wrong by the visual-rft rule",
    "true_masks": "true masks",
    "no_box": "answers without a box",
    "nothing_to_find": "nothing to find",
    "images_left_out": "images left out",
    "left_out": "recorded answers outside the gate",
}


def number(value: float | int | bool | None, digits: int = 3) -> str:
    """Format a metric or a count.

    >>> number(0.12345), number(None), number(7), number(True)
    ('0.123', 'n/a', '7', 'yes')
    """
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}f}"


def model_name(model: str | None) -> str:
    """The last part of a model's path or name.

    >>> model_name("/models/Qwen2-VL-2B/"), model_name(None)
    ('Qwen2-VL-2B', 'recorded answers')
    """
    if model is None:
        return "recorded answers"
    return model.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or model
