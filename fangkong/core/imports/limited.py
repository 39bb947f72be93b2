"""Have a file read by a process of its own, and take its rows in packed pieces. No Django."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .reader import BYTES_PER_SECOND
from .reading import Caps, NotReadable, unpacked_size

PATIENCE = 20.0  # seconds beside what the size asks for: the machine may be busy
_ROOT = str(Path(__file__).resolve().parents[3])


@dataclass(frozen=True)
class Piece:
    """Up to a thousand rows: ``body`` is packed JSON, [[line, [cell, …]], …]."""

    total: int
    body: bytes


@dataclass(frozen=True)
class Table:
    """What a file holds."""

    encoding: str
    headings: list[str]
    pieces: list[Piece]
    total: int
    filled: dict[int, int]  # column to rows that a merged cell has given their value
    unread_sheets: list[str]  # other sheets of the workbook that hold something and are shown


def read(
    data: bytes, known: Mapping[str, str], enough: int, caps: Caps, chunk: int = 1_000
) -> Table:
    """The table in a file; NotReadable where there is none, or where it takes too much."""
    if len(data) > caps.bytes:
        raise NotReadable("too_big", limit=caps.bytes // 1024 // 1024)
    asked = {"known": dict(known), "enough": enough, "caps": asdict(caps), "chunk": chunk}
    patience = PATIENCE + 3 * unpacked_size(data) / BYTES_PER_SECOND
    with tempfile.TemporaryFile() as file:  # not a pipe: both sides would have to take turns
        file.write(json.dumps(asked).encode() + b"\n" + data)
        file.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-m", "fangkong.core.imports.reader"],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Nothing of ours goes along: no key, no address of a database.
            env={"PYTHONPATH": _ROOT, "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
        )
    try:
        return _table(process, patience)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _table(process: subprocess.Popen[bytes], patience: float) -> Table:
    from threading import Timer

    assert process.stdout is not None
    clock = Timer(patience, process.kill)
    clock.start()
    try:
        head: dict[str, Any] = {}
        pieces: list[Piece] = []
        for line in process.stdout:
            if line.startswith(b'{"rows":'):
                end = line.rindex(b',"n":')
                pieces.append(Piece(int(line[end + 5 : -2]), zlib.compress(line[8:end], 1)))
                continue
            said = json.loads(line)
            if "fault" in said:
                raise NotReadable(said["fault"], **said["params"])
            head |= said
        if "total" not in head:  # it was ended by its limits
            raise NotReadable("too_much")
    finally:
        clock.cancel()
    return Table(
        head["encoding"],
        head["headings"],
        pieces,
        head["total"],
        dict(head["filled"]),
        head["unread_sheets"],
    )
