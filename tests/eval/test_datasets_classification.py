"""The layouts of labelled images, each written as it is published, and the real index of Visual-RFT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from eval_helpers import real_data, write_image
from scipy.io import savemat

from vrft_eval.datasets import Labelled, LabelledImage, LoadOptions, load_classification
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_eval.tasks import TASKS


def load(layout: str, data: Path | None, **options: Any) -> Labelled:
    return load_classification(layout, LoadOptions(data, **options), Findings(), "Which?")


def rows(found: Labelled) -> list[tuple[str, str]]:
    return [(image.name, image.label) for image in found.images]


# Folders and indexes


def test_class_folders_give_relative_names_in_a_stable_order(tmp_path: Path) -> None:
    for name in ("rose/b.png", "rose/a.png", "daisy/deep/c.jpg", ".hidden/x.png"):
        write_image(tmp_path / name)
    (tmp_path / "daisy" / "notes.txt").write_text("x")
    found = load("folder", tmp_path)
    assert rows(found) == [("daisy/deep/c.jpg", "daisy"), ("rose/a.png", "rose"), ("rose/b.png", "rose")]
    assert found.labels == ("daisy", "rose")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("index.json", "{}", "must be a list of objects"),
        ("index.json", "[3]", "[0]: Input should be a valid dictionary"),
        ("index.json", '[{"image": "../x.png", "label": "a"}]', "[0].image: must stay inside"),
        ("index.json", '[{"image": "x.png", "label": ""}]', "[0].label: must be a class name"),
        ("index.json", '[{"image": "x.png", "label": "a"}, {"image": "./x.png", "label": "a"}]', "image named twice"),
        ("index.json", "[]", "names no images"),
        ("index.csv", "a,b\n1,2\n", "index.csv:1: must have the columns image and label"),
        ("index.csv", "image,label\nx.png,\n", "index.csv:2: label: must be a class name"),
        ("index.csv", "image,label\nx.png\n", "index.csv:2: label: must be a class name"),
    ],
)
def test_a_bad_index_is_refused(tmp_path: Path, name: str, content: str, expected: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load("folder", tmp_path)
    assert expected in str(error.value)


def test_an_index_may_name_images_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("image,label\nsub/x.png,red rose\n", encoding="utf-8")
    (item,) = load("folder", tmp_path).images
    assert (item.name, item.label, item.path) == ("sub/x.png", "red rose", tmp_path / "sub/x.png")


def test_an_index_may_lie_elsewhere_than_its_images(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('[{"image": "x.png", "label": "a"}]', encoding="utf-8")
    found = load("folder", None, annotations=tmp_path / "mine.json", images=tmp_path / "pictures")
    assert found.images[0].path == tmp_path / "pictures" / "x.png"


def test_labels_close_the_set_and_name_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("image,label\nx.png,rose\n", encoding="utf-8")
    assert load("folder", tmp_path, labels=("tulip", "rose")).labels == ("tulip", "rose")
    with pytest.raises(InputError, match=r"index\.csv:2: label: there is no such class; did you mean roses\?"):
        load("folder", tmp_path, labels=("tulip", "roses"))


def test_an_empty_folder_and_none_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no images in class folders"):
        load("folder", tmp_path)
    with pytest.raises(InputError, match="no such data folder"):
        load("folder", tmp_path / "no")
    with pytest.raises(InputError, match="--data is needed"):
        load("folder", None)
    with pytest.raises(InputError, match="this layout has no splits"):
        load("folder", tmp_path, split="test")


# Oxford Flowers 102


def write_flowers(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / "imagelabels.mat", {"labels": np.array([[2, 1, 3, 3]], dtype=np.uint8)})
    sets = {"trnid": [[1]], "valid": [[2]], "tstid": [[4, 3]]}
    savemat(folder / "setid.mat", {name: np.array(ids, dtype=np.uint16) for name, ids in sets.items()})


def test_flowers_take_their_names_from_a_file_of_numbers(tmp_path: Path) -> None:
    write_flowers(tmp_path)
    names = {"1": "pink primrose", "3": "canterbury bells", "2": "hard-leaved pocket orchid"}
    (tmp_path / "cat_to_name.json").write_text(json.dumps(names), encoding="utf-8")
    found = load("flowers102", tmp_path)
    assert rows(found) == [("jpg/image_00004.jpg", "canterbury bells"), ("jpg/image_00003.jpg", "canterbury bells")]
    assert found.images[0].path == tmp_path / "jpg" / "image_00004.jpg"
    assert found.labels[0] == "pink primrose"
    assert rows(load("flowers102", tmp_path, split="val")) == [("jpg/image_00002.jpg", "pink primrose")]
    assert rows(load("flowers102", tmp_path, split="train", labels=("a", "b", "c"))) == [("jpg/image_00001.jpg", "b")]


def test_flowers_without_names_say_where_to_get_them(tmp_path: Path) -> None:
    write_flowers(tmp_path)
    with pytest.raises(InputError, match=r"number the classes and don't name them: give the names .* --labels FILE"):
        load("flowers102", tmp_path)
    with pytest.raises(InputError, match=r"tstid\[0\]\.label: must be a class number from 1 to 2, got 3"):
        load("flowers102", tmp_path, labels=("a", "b"))


def test_a_broken_mat_file_is_refused(tmp_path: Path) -> None:
    write_flowers(tmp_path)
    for content, expected in ((b"x" * 500, "not a .mat file that can be read"), (b"", "the file is empty")):
        (tmp_path / "setid.mat").write_bytes(content)
        with pytest.raises(InputError, match=expected):
            load("flowers102", tmp_path, labels=("a",))
    savemat(tmp_path / "setid.mat", {"tstid": np.array([[1.5]])})
    with pytest.raises(InputError, match="tstid: must be whole numbers"):
        load("flowers102", tmp_path, labels=("a",))
    savemat(tmp_path / "setid.mat", {"tstid": np.array([[9]])})
    with pytest.raises(InputError, match=r"tstid\[0\]: there are labels of images 1 to 4, got 9"):
        load("flowers102", tmp_path, labels=("a",))
    savemat(tmp_path / "setid.mat", {"other": 1})
    with pytest.raises(InputError, match="tstid: the variable is not there"):
        load("flowers102", tmp_path, labels=("a",))


# CoOp's splits

COOP: dict[str, Any] = {
    "train": [["image_00001.jpg", 1, "orchid"]],
    "val": [],
    "test": [["image_00002.jpg", 0, "pink primrose"], ["image_00003.jpg", 2, "bells"]],
}


def test_coop_comes_before_the_published_files(tmp_path: Path) -> None:
    write_flowers(tmp_path)
    (tmp_path / "split_zhou_OxfordFlowers.json").write_text(json.dumps(COOP), encoding="utf-8")
    found = load("flowers102", tmp_path)
    assert rows(found) == [("jpg/image_00002.jpg", "pink primrose"), ("jpg/image_00003.jpg", "bells")]
    assert found.labels == ("pink primrose", "orchid", "bells")
    assert rows(load("flowers102", tmp_path, split="train")) == [("jpg/image_00001.jpg", "orchid")]
    assert rows(load("flowers102", tmp_path, labels=("a", "b", "c"))) == [
        ("jpg/image_00002.jpg", "a"),
        ("jpg/image_00003.jpg", "c"),
    ]
    official = load("flowers102", tmp_path, annotations=tmp_path / "setid.mat", labels=("a", "b", "c"))
    assert [image.name for image in official.images] == ["jpg/image_00004.jpg", "jpg/image_00003.jpg"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"test": [["x.jpg", 0]]}, r"test\[0\]: must be \[path, class number, class name\]"),
        ({"test": [["x.jpg", 1, "orchidee"]]}, r"train\[0\]: class 1 is called 'orchidee' elsewhere"),
        ({"test": [["x.jpg", 7, "orchid"]]}, "or another class has this name"),
        ({"test": [["../x.jpg", 1, "orchid"]]}, r"test\[0\]\.image: must stay inside"),
        ({"test": None}, "there is no such split; there are train, val"),
    ],
)
def test_a_bad_split_file_is_refused(tmp_path: Path, change: Any, expected: str) -> None:
    document = {"train": COOP["train"], "val": [], "test": COOP["test"], **change}
    (tmp_path / "split_zhou_OxfordFlowers.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match=expected):
        load("flowers102", tmp_path)


# Visual-RFT's val_data


def write_released(folder: Path, entries: Any = None, names: str = "rose\ntulip\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if entries is None:
        entries = [
            {f"/mnt/else/data/flowers/jpg/{name}": {"label": torch.tensor(label), "pred_class": torch.tensor([1, 0])}}
            for name, label in (("a.jpg", 1), ("b.jpg", 0))
        ]
    torch.save(entries, folder / "oxford_flowers.pth")
    (folder / "oxford_flowers.txt").write_text(names, encoding="utf-8")
    return folder / "oxford_flowers.pth"


@pytest.mark.parametrize("home", [".", "val_data"])
def test_the_released_index_is_moved_to_this_machine(tmp_path: Path, home: str) -> None:
    write_released(tmp_path / home)
    found = load("flowers102", tmp_path)
    assert rows(found) == [("jpg/a.jpg", "tulip"), ("jpg/b.jpg", "rose")]
    assert found.images[0].path == tmp_path / "jpg" / "a.jpg"
    moved = load("flowers102", tmp_path, images=tmp_path / "pictures")
    assert moved.images[0].path == tmp_path / "pictures" / "a.jpg"
    assert moved.images[0].name == "jpg/a.jpg"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([{"relative/a.jpg": {"label": torch.tensor(0)}}], r"\[0\]: must be \{absolute path"),
        ([{"/x/a.jpg": {"label": torch.tensor(0.5)}}], r"\[0\]: must be \{absolute path"),
        ([{"/x/a.jpg": {"label": torch.tensor(2)}}], "must be a class number from 0 to 1, got 2"),
        ([{"/x/jpg/../../a.jpg": {"label": 0}}, {"/x/jpg/b.jpg": {"label": 0}}], "must stay inside the data folder"),
        ([{"/x/a.jpg": {"label": 0}}] * 2, "image named twice"),
        ([3], r"\[0\]: must be \{absolute path"),
        ({"a": 1}, "must be a list"),
        ([], "names no images"),
    ],
)
def test_a_bad_released_index_is_refused(tmp_path: Path, entries: Any, expected: str) -> None:
    write_released(tmp_path, entries)
    with pytest.raises(InputError, match=expected):
        load("flowers102", tmp_path)


class Harm:
    """What a hostile file would bring: code to run while it is read."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("harm"),))


def test_code_in_a_released_index_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_released(tmp_path, [Harm()])
    with pytest.raises(InputError, match=r"not a \.pth file of plain values and tensors"):
        load("flowers102", tmp_path)
    assert not (tmp_path / "harm").exists()
    (tmp_path / "oxford_flowers.pth").write_bytes(b"\x80\x02}q\x00.garbage")
    with pytest.raises(InputError, match=r"must be a list|not a \.pth file"):
        load("flowers102", tmp_path)


def test_a_released_index_without_names_says_so(tmp_path: Path) -> None:
    write_released(tmp_path).with_suffix(".txt").unlink()
    with pytest.raises(InputError, match=r"oxford_flowers\.txt: the class names are missing"):
        load("flowers102", tmp_path)
    assert load("flowers102", tmp_path, labels=("x", "y")).labels == ("x", "y")


def test_the_real_released_index_holds_the_whole_test_split() -> None:
    index = real_data("classification/fgvc_aircraft.pth")
    labels = tuple(real_data("labels/fgvc_aircraft.txt").read_text(encoding="utf-8").splitlines())
    found = load("fgvc-aircraft", None, annotations=index, labels=labels, images=Path("elsewhere"))
    assert len(found.images) == TASKS["fgvc-aircraft"].published["test"] == 3_333
    assert len(found.labels) == 100
    assert found.images[0] == LabelledImage("images/1514522.jpg", Path("elsewhere/1514522.jpg"), "707-320")
    assert {sum(image.label == label for image in found.images) for label in labels} == {33, 34}
