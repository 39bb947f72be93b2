from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fangkong.core.files import kinds, photos

from . import samples


def test_a_photo_loses_its_place_its_phone_and_its_comments():
    raw = samples.photo_from_daofu()
    assert b"Phone of Zhaxi" in raw and b"zhaxi's house" in raw  # or the test proves nothing

    kept = photos.redrawn(raw, kinds.JPEG).content

    for telling in (b"Exif", b"Zhaxi", b"zhaxi", b"GPS", b"Fangkong", b"ICC_PROFILE"):
        assert telling not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert not image.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp"} & set(image.info)


def test_a_png_loses_its_texts_too():
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text("Author", "zhaxi")
    kept = photos.redrawn(samples.photo("PNG", pnginfo=texts, icc_profile=b"zhaxi"), kinds.PNG)
    assert kept.kind == kinds.PNG and b"zhaxi" not in kept.content


@pytest.mark.parametrize(
    ("turned", "corner"), [(1, (2, 2)), (6, (17, 2)), (3, (37, 17)), (8, (2, 37))]
)
def test_a_photo_stands_upright(turned, corner):
    photo = photos.redrawn(samples.photo_from_daofu(turned), kinds.JPEG)

    assert (photo.width, photo.height) == ((40, 20) if turned in (1, 3) else (20, 40))
    with Image.open(io.BytesIO(photo.content)) as image:
        red, _green, blue = image.getpixel(corner)
    assert blue > red


def test_a_large_photo_becomes_smaller_and_webp_becomes_jpeg():
    photo = photos.redrawn(samples.photo("WEBP", (4000, 1000)), kinds.WEBP)
    assert (photo.kind, photo.width, photo.height) == (kinds.JPEG, 2048, 512)


@pytest.mark.parametrize("side", [6_000, 20_000, 60_000])
def test_a_bomb_is_refused_before_it_unfolds(side, monkeypatch):
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("decoded"))
    raw = samples.bomb(side) if side < 60_000 else samples.bomb(8)[:16] + b"\x00\x00\xea\x60" * 2
    assert len(raw) < 1_000_000

    with pytest.raises((photos.TooManyPixels, photos.NotAPhoto)):
        photos.redrawn(raw, kinds.PNG)


def test_a_jpeg_of_fifty_million_pixels_passes_and_a_larger_one_does_not():
    small = samples.photo("JPEG", (16, 16))
    where = small.index(b"\xff\xc0") + 5

    def claims(height: int, width: int) -> bytes:
        sides = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        return small[:where] + sides + small[where + 4 :]

    passed = photos.redrawn(claims(5000, 10000), kinds.JPEG)
    assert (passed.width, passed.height) == (2048, 1024)
    with pytest.raises(photos.TooManyPixels):
        photos.redrawn(claims(9000, 10000), kinds.JPEG)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.integers(8, 400), st.binary(max_size=8))
def test_a_broken_photo_is_a_photo_or_a_refusal(kind, place, junk):
    raw = samples.photo(kind)
    broken = raw[:place] + junk + raw[place + len(junk) :]
    with suppress(photos.NotAPhoto, photos.TooManyPixels):
        photos.redrawn(broken, kinds.KINDS[kind.lower()])
