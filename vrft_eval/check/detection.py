"""What there is in detection data, and what is odd in it."""

from __future__ import annotations

from collections import Counter

from vrft_eval.check.survey import Survey, note_alike
from vrft_eval.findings import Findings
from vrft_eval.tasks.detection import DetectionData


def survey_detection(data: DetectionData, findings: Findings) -> Survey:
    """Count images, categories, boxes and questions by gate; note categories and images without truth."""
    coco = data.coco
    crowds = int(coco.annotations.crowd.sum())
    survey = Survey(str(coco.file))
    survey.found = {
        "images": len(coco.images),
        "categories": len(coco.categories),
        "selected_categories": len(data.selected),
        "boxes": len(coco.annotations) - crowds,
        "crowds": crowds,
    }
    wanted = {pair for pair in data.truth if pair[1] in data.selected}
    negatives = sum(len(image.negatives & data.selected) for image in coco.images)
    both = sum((image.id, key) in wanted for image in coco.images for key in image.negatives)
    survey.prompts = {
        "none": len(coco.images) * len(data.selected),
        "truth": len(wanted),
        "negatives": len(wanted) + negatives - both,
    }
    if not wanted:
        findings.see("nothing_to_ask", "no selected category has a box in any image")
    with_truth = {key for _, key in wanted}
    for key, name in coco.categories.items():
        if key in data.selected and key not in with_truth:
            findings.see("category_without_truth", name)
    note_alike([name for key, name in coco.categories.items() if key in data.selected], findings)
    _note_images(data, findings)
    return survey


def _note_images(data: DetectionData, findings: Findings) -> None:
    annotated = set(data.coco.annotations.image_id.tolist())
    last = None
    for image in data.coco.images:
        if image.id not in annotated:
            findings.see("image_without_truth", f"{image.id} ({image.path.name})")
        if last is not None and image.id < last:
            findings.see("id_order", f"{image.id} after {last}")
        last = image.id
    for path, count in Counter(image.path for image in data.coco.images).items():
        if count > 1:
            findings.see("image_twice", f"{path} ({count} times)")
    crowds = data.coco.annotations.where(data.coco.annotations.crowd).pairs()
    for image_id, key in sorted(set(crowds) - set(data.truth)):
        findings.see("crowd_only", f"image {image_id}, {data.coco.categories[key]}")
