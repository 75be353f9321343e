"""The tasks by name."""

from __future__ import annotations

from dataclasses import replace

from vrft_eval.tasks import categories, sources
from vrft_eval.tasks.base import TaskSpec

_AP = "mAP, AP50, AP75, APs/m/l, AR"
_ACCURACY = "accuracy (strict, fuzzy, visual-rft)"
_IOU = "mIoU, Acc50, gIoU, cIoU"

_COCO = TaskSpec(
    "coco",
    "detection",
    "detection",
    _AP,
    "coco",
    "annotations/instances_val2017.json + val2017/*.jpg",
    gate="truth",
    splits=("val2017", "train2017"),
    published={"val2017": 5_000, "train2017": 118_287},
    source=sources.COCO,
)
_LVIS = TaskSpec(
    "lvis",
    "detection",
    "detection",
    "mAP, APr, APc, APf, AP50, AP75, APs/m/l, AR",
    "lvis",
    "lvis_v1_val.json (or lvis_v0.5_val.json; also in annotations/) + train2017/*.jpg + val2017/*.jpg",
    gate="truth",
    splits=("val", "train"),
    published={"val": 19_809},
    source=sources.LVIS,
)
_DETECTION = TaskSpec(
    "detection",
    "detection",
    "detection",
    _AP,
    "coco",
    "COCO JSON: annotations.json + images/, instances_SPLIT.json + SPLIT/, SPLIT/_annotations.coco.json beside the "
    "images, or --annotations FILE --images DIR; LVIS too; or Hugging Face rows of image, problem, solution",
    gate="truth",
)
_CLASSIFICATION = TaskSpec(
    "classification",
    "classification",
    "classification",
    _ACCURACY,
    "folder",
    "<class>/*.jpg, index.json or index.csv (image, label), --annotations FILE.pth | split_zhou_*.json, or Hugging "
    "Face rows of image, problem, solution",
)
_GROUNDING = TaskSpec(
    "grounding",
    "grounding",
    "grounding",
    _IOU,
    "lines",
    "grounding.jsonl (image, text, box, mask?, ignore?, size?) + images; or Hugging Face rows of image, problem, "
    "solution",
)

TASKS: dict[str, TaskSpec] = {
    spec.name: spec
    for spec in (
        _COCO,
        replace(_COCO, name="coco-fewshot8", categories=categories.FEWSHOT8),
        replace(_COCO, name="coco-base65", categories=categories.BASE65),
        replace(_COCO, name="coco-novel15", categories=categories.NOVEL15),
        _LVIS,
        replace(_LVIS, name="lvis-rare6", categories=categories.RARE6),
        replace(_LVIS, name="lvis-rare13", categories=categories.RARE13),
        replace(
            _DETECTION,
            name="mg",
            layout="as of detection, with these categories: " + ", ".join(categories.MONSTER_GIRLS),
            categories=categories.MONSTER_GIRLS,
            source=sources.MG,
        ),
        TaskSpec(
            "flowers102",
            "classification",
            "classification-flowers",
            _ACCURACY,
            "flowers102",
            "jpg/image_00001.jpg + split_zhou_OxfordFlowers.json, or setid.mat + imagelabels.mat + names (--labels, "
            "cat_to_name.json), or oxford_flowers.pth + .txt",
            splits=("test", "train", "val"),
            published={"test": 2_463},
            source=sources.FLOWERS,
        ),
        TaskSpec(
            "pets37",
            "classification",
            "classification-pets",
            _ACCURACY,
            "pets37",
            "images/Abyssinian_1.jpg + split_zhou_OxfordPets.json or annotations/test.txt, or pets.pth + .txt",
            splits=("test", "trainval", "train", "val"),
            published={"test": 3_669},
            source=sources.PETS,
        ),
        TaskSpec(
            "fgvc-aircraft",
            "classification",
            "classification-aircraft",
            _ACCURACY,
            "fgvc-aircraft",
            "data/images/1514522.jpg + data/variants.txt + data/images_variant_test.txt, or fgvc_aircraft.pth + .txt",
            splits=("test", "train", "val", "trainval"),
            published={"test": 3_333},
            source=sources.AIRCRAFT,
        ),
        TaskSpec(
            "cars196",
            "classification",
            "classification-cars",
            _ACCURACY,
            "cars196",
            "cars_test/00001.jpg + split_zhou_StanfordCars.json, or cars_test_annos_withlabels.mat + "
            "devkit/cars_meta.mat, or stanford_cars.pth + .txt",
            splits=("test", "train", "val"),
            published={"test": 8_041},
            source=sources.CARS,
        ),
        TaskSpec(
            "reasonseg",
            "grounding",
            "grounding",
            _IOU,
            "reasonseg",
            "ReasonSeg/{val,test}/X.jpg + X.json",
            splits=("val", "test", "train"),
            published={"val": 200, "test": 779, "train": 239},
            source=sources.REASONSEG,
        ),
        _DETECTION,
        _CLASSIFICATION,
        _GROUNDING,
        replace(_DETECTION, name="shapes-detection", gate="negatives", generated=True),
        replace(
            _CLASSIFICATION,
            name="shapes-classification",
            prompt="classification-flowers",
            generated=True,
        ),
        replace(_GROUNDING, name="shapes-grounding", generated=True),
    )
}
