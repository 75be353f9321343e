"""What a server is sent as an image: the file itself, or the picture that the other backends see."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from eval_helpers import real_data
from PIL import ExifTags, Image

from vrft_eval.backends.image_url import image_url
from vrft_eval.errors import InputError
from vrft_eval.images import load_image
from vrft_rewards.coordinates import smart_resize


def opened(url: str) -> tuple[bytes, str]:
    with urlopen(url) as response:
        return response.read(), response.headers.get_content_type()


def picture(size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 4), dtype=np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


@pytest.mark.parametrize(("suffix", "mime"), [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")])
def test_a_plain_file_is_sent_as_it_is(suffix: str, mime: str, tmp_path: Path) -> None:
    file = tmp_path / f"a.{suffix}"
    picture().save(file)
    url, size = image_url(file, min_pixels=100, max_pixels=2000)
    assert opened(url) == (file.read_bytes(), mime)
    assert size == (40, 30)


def test_what_readers_differ_on_is_sent_as_the_pixels_that_the_other_backends_see(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    picture().save(tmp_path / "turned.jpg", exif=turned)
    picture(mode="RGBA").save(tmp_path / "see-through.png")
    picture().convert("P").save(tmp_path / "palette.png")
    picture().save(tmp_path / "a.bmp")
    picture(mode="CMYK").save(tmp_path / "print.jpg")
    picture().save(tmp_path / "moving.webp", save_all=True, append_images=[picture((40, 30), "L").convert("RGB")])
    for file in sorted(tmp_path.iterdir()):
        data, mime = opened(image_url(file)[0])
        assert mime == "image/png", file.name
        with Image.open(io.BytesIO(data)) as sent:
            assert sent.mode == "RGB"
            assert sent.getexif().get(ExifTags.Base.Orientation) is None
            assert np.array_equal(np.asarray(sent), np.asarray(load_image(file))), file.name


@pytest.mark.parametrize(("least", "most"), [(None, 28 * 28 * 4), (28 * 28 * 100, None), (28 * 28 * 2, 28 * 28 * 4)])
def test_bounds_give_the_size_that_the_models_processor_gives(
    least: int | None, most: int | None, tmp_path: Path
) -> None:
    file = tmp_path / "a.png"
    picture((200, 100)).save(file)
    url, size = image_url(file, least, most)
    with Image.open(io.BytesIO(opened(url)[0])) as sent:
        assert sent.size == size
    assert size == smart_resize((200, 100), min_pixels=least or 1, max_pixels=most or 10**9)


def test_a_real_photo_is_sent_as_it_is() -> None:
    file = next(iter(sorted(real_data("coco_tiny/val2017").glob("*.jpg"))))
    assert opened(image_url(file)[0])[0] == file.read_bytes()


def test_what_can_not_be_sent(tmp_path: Path) -> None:
    picture((4000, 10)).save(tmp_path / "thin.png")
    with pytest.raises(InputError, match="aspect ratio"):
        image_url(tmp_path / "thin.png", max_pixels=100)
    with pytest.raises(InputError, match="no such image"):
        image_url(tmp_path / "absent.png")
    picture().save(tmp_path / "whole.jpg")
    (tmp_path / "torn.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:400])
    with pytest.raises(InputError, match="broken image"):
        image_url(tmp_path / "torn.jpg")
