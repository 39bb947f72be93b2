"""What lies in the envelope: named entries, one after the other, compressed together.

A frame is one byte that says what follows, its length (4 bytes) and its bytes: ``n`` begins an
entry and names it, ``d`` is a part of it, ``e`` ends it with its digest, ``m`` is the manifest, the
last frame of all. Nothing is ever held whole in memory.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from .sealing import DAMAGED, Opener, Sealer
from .types import BackupProblem, File, Manifest

MOST_FRAME = 16 * 1024 * 1024
MOST_MANIFEST = 512 * 1024 * 1024


class Writer:
    """Puts entries into an envelope."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer, self._packer = sealer, zlib.compressobj(1)

    def entry(self, name: str, parts: Iterable[bytes], **about: Any) -> File:
        """Write one entry; gives its size and digest."""
        self._frame(b"n", json.dumps({"name": name, **about}).encode())
        digest, size = sha256(), 0
        for part in parts:
            for start in range(0, len(part), MOST_FRAME):
                piece = part[start : start + MOST_FRAME]
                digest.update(piece)
                size += len(piece)
                self._frame(b"d", piece)
        self._frame(b"e", digest.hexdigest().encode())
        return File(size, digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest and mark the end."""
        self._frame(b"m", json.dumps(manifest.as_json()).encode())
        self._sealer.write(self._packer.flush())
        self._sealer.close()

    def _frame(self, kind: bytes, raw: bytes) -> None:
        head = kind + len(raw).to_bytes(4, "big")
        self._sealer.write(self._packer.compress(head) + self._packer.compress(raw))


class Entry:
    """One entry while it is read; its parts come once, in order, and are checked at their end."""

    def __init__(self, about: dict[str, Any], reader: Reader) -> None:
        self.name, self.about, self._reader = str(about["name"]), about, reader
        self.size = 0
        self.sha256 = ""

    def parts(self) -> Iterator[bytes]:
        digest = sha256()
        while True:
            kind, raw = self._reader.frame()
            if kind == b"d":
                digest.update(raw)
                self.size += len(raw)
                yield raw
            elif kind == b"e" and raw.decode("ascii", "replace") == digest.hexdigest():
                self.sha256 = digest.hexdigest()
                return
            else:
                raise BackupProblem(DAMAGED)

    def skip(self) -> None:
        """Read to the end all the same, which checks it."""
        for _part in self.parts():
            pass


class Reader:
    """Takes entries out of an envelope; ``manifest`` is known when they are all read."""

    def __init__(self, opener: Opener) -> None:
        self._opener, self._unpacker, self._held = opener, zlib.decompressobj(), bytearray()
        self.manifest: Manifest | None = None

    def entries(self) -> Iterator[Entry]:
        while True:
            kind, raw = self.frame()
            try:
                plain = json.loads(raw)
                if kind == b"m":
                    self.manifest = Manifest.from_json(plain)
                    self._end()
                    return
                entry = Entry(plain, self)
            except (ValueError, KeyError, TypeError):
                raise BackupProblem(DAMAGED) from None
            if kind != b"n":
                raise BackupProblem(DAMAGED)
            yield entry
            if not entry.sha256:
                entry.skip()

    def frame(self) -> tuple[bytes, bytes]:
        head = self._take(5)
        length = int.from_bytes(head[1:], "big")
        if length > (MOST_MANIFEST if head[:1] == b"m" else MOST_FRAME):
            raise BackupProblem(DAMAGED)
        return head[:1], self._take(length)

    def _take(self, wanted: int) -> bytes:
        while len(self._held) < wanted:
            self._held += self._more()
        raw = bytes(self._held[:wanted])
        del self._held[:wanted]
        return raw

    def _more(self) -> bytes:
        """Some more, at most four times a piece, however well it was packed."""
        try:
            if tail := self._unpacker.unconsumed_tail:
                return self._unpacker.decompress(tail, 4 * 1024 * 1024)
            piece = self._opener.read()
            if not piece:
                raise BackupProblem(DAMAGED)
            return self._unpacker.decompress(piece, 4 * 1024 * 1024)
        except zlib.error:
            raise BackupProblem(DAMAGED) from None

    def _end(self) -> None:
        while self._opener.read():
            pass
