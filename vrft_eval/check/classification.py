"""What there is in classification data, and what is odd in it."""

from __future__ import annotations

from collections import Counter

from vrft_eval.check.survey import Survey, note_alike
from vrft_eval.findings import Findings
from vrft_eval.tasks.classification import ClassificationData


def survey_classification(data: ClassificationData, findings: Findings) -> Survey:
    """Count images and classes; note classes without images, and names that are easily confused."""
    counts = Counter(image.label for image in data.whole)
    survey = Survey(str(data.file))
    survey.found = {"images": len(data.whole), "classes": len(data.labels), "classes_with_images": len(counts)}
    survey.prompts = {"images": len(data.whole)}
    for label in data.labels:
        if counts[label] == 0:
            findings.see("class_without_images", label)
        elif counts[label] == 1:
            findings.see("class_with_one_image", label)
    note_alike(data.labels, findings)
    return survey
