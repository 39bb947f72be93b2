"""Pictures of barcodes, drawn by a library that printers use."""

from __future__ import annotations

import io

import zxingcpp
from PIL import Image


def picture(content: str, kind: str = "DataMatrix", scale: int = 4) -> Image.Image:
    """A symbol; content in brackets is a GS1 element string as printed for people."""
    options = {"gs1": True} if content.startswith("(") else {}
    made = zxingcpp.create_barcode(content, getattr(zxingcpp.BarcodeFormat, kind), **options)
    drawn = memoryview(made.to_image(scale=scale, add_quiet_zones=True))
    height, width = drawn.shape[:2]
    return Image.frombytes("L", (width, height), bytes(drawn))


def photo(content: str, kind: str = "DataMatrix", *, turned: float = 7) -> bytes:
    """A photo of a symbol: turned a little, on grey ground, as JPEG."""
    code = picture(content, kind, scale=8).convert("L")
    ground = Image.new("L", (code.width * 2, code.height * 2), 200)
    ground.paste(code, (code.width // 2, code.height // 2))
    out = io.BytesIO()
    ground.rotate(turned, fillcolor=200, resample=Image.Resampling.BICUBIC).save(
        out, "JPEG", quality=70
    )
    return out.getvalue()
