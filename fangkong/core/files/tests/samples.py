"""Files of every kind, honest and hostile."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image

PLACE = {0x8825: {1: "N", 2: (30.0, 59.0, 0.0), 3: "E", 4: (101.0, 7.0, 0.0)}}


def photo(kind: str = "JPEG", size: tuple[int, int] = (40, 20), **saved) -> bytes:
    """A red photo with a blue upper left corner, so that its turning can be seen."""
    image = Image.new("RGB", size, (200, 20, 20))
    image.paste((20, 20, 200), (0, 0, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.save(out, kind, **saved)
    return out.getvalue()


def photo_from_daofu(turned: int = 6) -> bytes:
    """A photo that says where it was taken, by which phone, and that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = turned
    exif[0x010F], exif[0x0110] = "Fangkong", "Phone of Zhaxi"
    exif.get_ifd(0x8825).update(PLACE[0x8825])
    return photo(exif=exif, comment=b"zhaxi's house", icc_profile=b"profile-of-zhaxi" * 10)


def office(main: str, *more: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name in ("[Content_Types].xml", main, *more):
            packed.writestr(name, "<x/>")
    return out.getvalue()


def office_bomb(main: str) -> bytes:
    """An office file of a few hundred kilobytes that unpacks to 250 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name in ("[Content_Types].xml", main):
            packed.writestr(name, "<x/>")
        with packed.open("xl/worksheets/sheet1.xml", "w") as part:
            for _piece in range(250):
                part.write(b"0" * 1024 * 1024)
    return out.getvalue()


def bomb(side: int = 20_000) -> bytes:
    """A PNG of a few hundred kilobytes that unfolds to ``side`` x ``side`` pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))
        )

    head = struct.pack("!IIBBBBB", side, side, 1, 0, 0, 0, 0)
    line = b"\0" * (side // 8 + 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(line * side, 9))
        + chunk(b"IEND", b"")
    )


PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
DOCX = office("word/document.xml")
XLSX = office("xl/workbook.xml")

HOSTILE = {
    "page.html": b"<!doctype html><script>alert(1)</script>",
    "page.jpg": b"<html><script>alert(1)</script>",
    "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "drawing.png": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "program.exe": b"MZ\x90\x00",
    "program.pdf": b"MZ\x90\x00",
    "script.js": b"alert(1)",
    "text.txt": b"plain",
    "picture.gif": b"GIF89a/*" + b"\0" * 20 + b"*/=alert(1)",
    "late.pdf": b"\n\n<script>%PDF-1.4",
    "archive.zip": office("a.txt"),
    "macro.docm": office("word/document.xml", "word/vbaProject.bin"),
    "macro.docx": office("word/document.xml", "word/vbaProject.bin"),
    "both.xlsx": office("xl/workbook.xml", "evil.js"),
    "cut.docx": DOCX[:40],
    "photo.pdf": photo(),
    "photo.png": photo("JPEG"),
    "photo": photo(),
    "photo.jpg.html": photo(),
    "photo.php": photo(),
    "paper.jpg": PDF,
    "table.docx": XLSX,
}
