"""Read the codes on one photo, in a process that may take only so much. No Django here.

``python -m fangkong.supplies.stock.sight_child < photo > texts.json``
"""

from __future__ import annotations

import io
import json
import resource
import sys
import warnings

MEMORY = 1024**3  # bytes
SECONDS = 10
MOST_PIXELS = 60_000_000
SIDE = 2600  # pixels that a photo is made smaller to before it is looked through
MOST = 4  # codes of one photo


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    import zxingcpp
    from PIL import Image, ImageOps

    warnings.simplefilter("error", Image.DecompressionBombWarning)
    raw = io.BytesIO(sys.stdin.buffer.read())
    with Image.open(raw, formats=["JPEG", "PNG", "WEBP"]) as image:
        if image.width * image.height > MOST_PIXELS:
            return 1
        image.draft("L", (SIDE, SIDE))
        grey = ImageOps.exif_transpose(image).convert("L")
    grey.thumbnail((SIDE, SIDE))
    found = zxingcpp.read_barcodes(grey, text_mode=zxingcpp.TextMode.Plain)
    said = [f"{one.symbology_identifier}{one.text}" for one in found if one.valid]
    json.dump(list(dict.fromkeys(said))[:MOST], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
