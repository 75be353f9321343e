"""Images that are absent, broken, huge, or somewhere else than they seem: refused or counted, never silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eval_helpers import coco_document, write_coco, write_image
from PIL import Image

from vrft_eval.datasets.presence import Listing, look_for
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_eval.images import ImageError, check_images, image_size, load_image
from vrft_eval.tasks import TASKS, LoadOptions, load_task


def detection(folder: Path, findings: Findings | None = None, **options: Any) -> Any:
    return load_task(TASKS["detection"], LoadOptions(folder, **options), findings)


def test_a_listing_tells_what_is_there_and_what_leads_out(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    write_image(root / "sub" / "a.png")
    write_image(other / "b.png")
    (root / "linked").symlink_to(other)
    (root / "out.png").symlink_to(other / "b.png")
    (root / "in.png").symlink_to(root / "sub" / "a.png")
    (root / "nowhere.png").symlink_to(root / "gone.png")
    (root / "folder.png").mkdir()
    names = ("sub/a.png", "in.png", "out.png", "linked/b.png", "nowhere.png", "folder.png", "no/a.png", "sub/a.png/x")
    found = {name: Listing([root]).state(root / name) for name in names}
    assert found == {
        "sub/a.png": "there",
        "in.png": "there",
        "out.png": "outside",
        "linked/b.png": "outside",
        "nowhere.png": "absent",
        "folder.png": "absent",
        "no/a.png": "absent",
        "sub/a.png/x": "absent",
    }
    assert Listing([root, other]).state(root / "out.png") == "there"


def test_a_root_may_be_a_link(tmp_path: Path) -> None:
    write_image(tmp_path / "disk" / "a.png")
    (tmp_path / "images").symlink_to(tmp_path / "disk")
    assert Listing([tmp_path / "images"]).state(tmp_path / "images" / "a.png") == "there"


def test_absent_images_are_refused_counted_left_out_or_of_no_matter(tmp_path: Path) -> None:
    write_coco(tmp_path, images=True)
    (tmp_path / "images" / "b.png").unlink()
    with pytest.raises(InputError, match=r"b\.png: no such image; --missing skip leaves out"):
        detection(tmp_path, missing="error")
    whole = detection(tmp_path)
    assert [sample.id for sample in whole.samples("{category}", "truth")] == ["7:1", "9:2"]
    assert whole.data_notes() == ["1 images are not there: the report shows no picture of them."]
    some = detection(tmp_path, missing="skip")
    assert [sample.id for sample in some.samples("{category}", "truth")] == ["7:1"]
    assert some.origin.left_out == ("b.png",)
    assert some.data_counts() == {"images_left_out": 1}
    assert some.data_notes()[0] == (
        f"Images left out, since they are not there (--missing skip): {tmp_path / 'images' / 'b.png'}."
    )
    # What an earlier run left out is left out again, whatever is on disk by now.
    write_coco(tmp_path, images=True)
    again = detection(tmp_path, left_out=some.origin.left_out)
    assert [sample.id for sample in again.samples("{category}", "truth")] == ["7:1"]
    assert detection(tmp_path, missing="skip").data_counts() == {}


def test_where_no_image_is_the_folder_is_said(tmp_path: Path) -> None:
    write_coco(tmp_path)
    for missing in ("error", "skip"):
        with pytest.raises(InputError, match=r"images: none of the 2 images is there; say where with --images"):
            detection(tmp_path, missing=missing)


def test_a_link_out_of_the_data_is_refused_even_for_recorded_answers(tmp_path: Path) -> None:
    write_coco(tmp_path / "data", images=True)
    secret = tmp_path / "secret.png"
    write_image(secret, (50, 50))
    (tmp_path / "data" / "images" / "b.png").unlink()
    (tmp_path / "data" / "images" / "b.png").symlink_to(secret)
    with pytest.raises(InputError, match=r"b\.png leads out of the data folder by a symbolic link"):
        detection(tmp_path / "data")


def test_lvis_may_link_the_folders_of_coco(tmp_path: Path) -> None:
    document = coco_document()
    for category in document["categories"]:
        category["frequency"] = "r"
    for image, split in zip(document["images"], ("train2017", "val2017"), strict=True):
        image["coco_url"] = f"http://images.cocodataset.org/{split}/{image.pop('file_name')}"
        write_image(tmp_path / "coco" / split / Path(image["coco_url"]).name, (image["width"], image["height"]))
    folder = tmp_path / "lvis"
    file = write_coco(folder, document)
    file.rename(folder / "lvis_v1_val.json")
    for split in ("train2017", "val2017"):
        (folder / split).symlink_to(tmp_path / "coco" / split)
    data = load_task(TASKS["lvis"], LoadOptions(folder, missing="error"))
    data.check_images()


def test_missing_is_all_the_same_for_labelled_images(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("image,label\na.png,rose\nb.png,tulip\n", encoding="utf-8")
    write_image(tmp_path / "a.png")
    data: Any = load_task(TASKS["classification"], LoadOptions(tmp_path, missing="skip"))
    assert [sample.id for sample in data.samples("?", None)] == ["a.png"]
    assert data.labels == ("rose", "tulip")
    assert data.known("b.png") == "unknown image"
    with pytest.raises(InputError, match="no such image"):
        load_task(TASKS["classification"], LoadOptions(tmp_path, missing="error"))


def test_the_fingerprint_of_classes_needs_no_images(tmp_path: Path) -> None:
    from vrft_eval.samples import fingerprint

    (tmp_path / "index.csv").write_text("image,label\na.png,rose\n", encoding="utf-8")
    before = fingerprint(load_task(TASKS["classification"], LoadOptions(tmp_path)).samples("?", None))
    write_image(tmp_path / "a.png")
    (sample,) = load_task(TASKS["classification"], LoadOptions(tmp_path)).samples("?", None)
    assert sample.image_size == (8, 6)
    assert fingerprint([sample]) == before


def _bomb(path: Path) -> None:
    # 20,000 x 20,000 pixels in a few kilobytes: more than twice Pillow's limit.
    Image.new("1", (20_000, 20_000)).save(path, optimize=True)


def _large(path: Path) -> None:
    # Between once and twice the limit, where Pillow itself only warns.
    Image.new("1", (10_000, 10_000)).save(path)


def _truncated(path: Path) -> None:
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:2000])


BROKEN = [
    ("a.png", lambda path: None, "image_absent", "no such image"),
    ("a.png", lambda path: path.write_bytes(b""), "image_unreadable", "the file is empty"),
    ("a.png", lambda path: path.write_bytes(b"hello"), "image_unreadable", "not an image"),
    ("a.png", Path.mkdir, "image_unreadable", "broken image: Is a directory"),
    ("a.png", _bomb, "image_too_large", "image too large"),
    ("a.png", _large, "image_too_large", "image too large: 10000x10000, the limit of Pillow is"),
]


@pytest.mark.parametrize(("name", "write", "kind", "message"), BROKEN)
@pytest.mark.filterwarnings("error")
def test_an_image_that_cannot_be_used_says_why(tmp_path: Path, name: str, write: Any, kind: str, message: str) -> None:
    write(tmp_path / name)
    for read in (image_size, load_image):
        with pytest.raises(ImageError) as error:
            read(tmp_path / name)
        assert str(error.value).startswith(f"{tmp_path / name}: {message}")
        assert error.value.kind == kind
    found = check_images({tmp_path / name: None})
    assert [(one.kind, str(one)) for one in found.errors] == [(kind, str(error.value))]


def test_a_truncated_image_is_found_by_decoding_it(tmp_path: Path) -> None:
    _truncated(tmp_path / "a.png")
    images: dict[Path, Any] = {tmp_path / "a.png": (64, 64)}
    assert check_images(images).sizes == images
    (error,) = check_images(images, full=True).errors
    assert "broken image" in str(error)


def test_a_rotated_image_is_explained(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    (error,) = check_images({tmp_path / "a.jpg": (20, 30)}).errors
    assert "is 30x20, its annotations say 20x30 (as it is after the rotation in its EXIF" in str(error)
    (error,) = check_images({tmp_path / "a.jpg": (20, 31)}).errors
    assert str(error).endswith("its annotations say 20x31")


def test_many_images_are_checked_with_progress_and_all_that_is_wrong_is_counted(tmp_path: Path) -> None:
    document = coco_document()
    document["images"] = [{"id": k, "file_name": f"{k}.png", "width": 9, "height": 9} for k in range(1, 41)]
    document["annotations"] = []
    write_coco(tmp_path, document, images=True)
    (tmp_path / "images" / "3.png").write_bytes(b"")
    write_image(tmp_path / "images" / "5.png", (9, 8))
    write_image(tmp_path / "images" / "7.png", (9, 8))
    seen: list[tuple[int, int, int]] = []
    with pytest.raises(InputError) as error:
        detection(tmp_path).check_images(lambda tally: seen.append((tally.answered, tally.failed, tally.total)))
    assert seen[-1] == (37, 3, 40)
    assert len(seen) == 40
    text = str(error.value)
    assert text.startswith(f"{tmp_path / 'images' / '3.png'}: the file is empty (of 40 images: ")
    assert "1 images that can't be read" in text
    assert "2 images of another size than their annotations say" in text


def test_nothing_is_dropped_without_being_named() -> None:
    origin, dropped = look_for([Path("r/a.png"), Path("r/b.png")], [Path("r")], None, ["b.png"], Findings())
    assert dropped == {Path("r/b.png")}
    assert origin.left_out == ("b.png",)
