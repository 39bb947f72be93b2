"""Photos are drawn anew: turned upright, made smaller, and without what they tell of their place.

A camera writes the coordinates, the moment and its own number into a photo, and a small file can
unfold into gigabytes (security.md T18). So the size in pixels is read before anything is decoded,
and only the pixels are kept.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .kinds import JPEG, PNG, Kind

if TYPE_CHECKING:
    from PIL import Image

LARGEST_SIDE = 2048  # pixels of what is kept
MOST_PIXELS = 25_000_000  # 100 MB once decoded
# A JPEG is decoded at a half or a quarter of its size, so phones with 50 million pixels pass.
MOST_PIXELS_JPEG = 60_000_000

_BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, OverflowError, TypeError,
    struct.error,  # Pillow's own UnidentifiedImageError is an OSError
)  # fmt: skip


class NotAPhoto(Exception):
    """The content is broken."""


class TooManyPixels(Exception):
    """The photo would take too much memory."""


@dataclass(frozen=True)
class Photo:
    content: bytes
    kind: Kind
    width: int
    height: int


def redrawn(content: bytes, kind: Kind) -> Photo:
    """The photo without its metadata: PNG stays PNG, all others become JPEG."""
    from PIL import Image  # Pillow takes 8 MB: only where a photo is uploaded

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[kind.name.upper()]) as image:
                return _redrawn(image, kind)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise TooManyPixels from None
    except _BROKEN:
        raise NotAPhoto from None


def _redrawn(image: Image.Image, kind: Kind) -> Photo:
    from PIL import Image, ImageOps

    allowed = MOST_PIXELS_JPEG if kind == JPEG else MOST_PIXELS
    if image.width * image.height > allowed:
        raise TooManyPixels
    if kind == JPEG:
        image.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
    keeps_clear = kind == PNG and (image.mode in ("RGBA", "LA") or "transparency" in image.info)
    upright = ImageOps.exif_transpose(image).convert("RGBA" if keeps_clear else "RGB")
    upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    # A new picture has pixels only; Pillow carries profiles, comments and texts along with the old.
    clean = Image.new(upright.mode, upright.size)
    clean.paste(upright)
    out, written = io.BytesIO(), PNG if kind == PNG else JPEG
    clean.save(out, written.name.upper(), quality=85, optimize=True)
    return Photo(out.getvalue(), written, clean.width, clean.height)
