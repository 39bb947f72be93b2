"""The process in which a file of a stranger is read: little memory, little time, nothing to lose.

``python -m fangkong.core.imports.reader`` takes one line of JSON (known headings, caps, rows to
a piece) and then the file; it gives a line with the headings and then lines of so many rows each,
or a fault.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from .reading import Caps, NotReadable, read, unpacked_size

MEGABYTE = 1 << 20
# A small file may take this much; a larger one more, by what it unpacks to.
MEMORY = 150 * MEGABYTE
MEMORY_PER_BYTE = 12
SECONDS = 0.8
BYTES_PER_SECOND = 4 * MEGABYTE


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Read one file; faults are answers, not errors."""
    asked = json.loads(source.readline())
    caps = Caps(**asked["caps"])
    data = source.read(caps.bytes + 1)
    if not asked.get("unlimited"):
        limit(min(unpacked_size(data), caps.unpacked))

    def say(what: dict[str, object]) -> None:
        sink.write(json.dumps(what, separators=(",", ":")).encode() + b"\n")

    total = 0
    try:
        sheet = read(data, asked["known"], asked["enough"], caps)
        others = list(sheet.unread_sheets)
        say({"encoding": sheet.encoding, "headings": sheet.headings, "unread_sheets": others})
        rows: list[tuple[int, list[str]]] = []
        for row in sheet.rows:
            rows.append(row)
            if len(rows) == asked["chunk"]:
                say({"rows": rows, "n": len(rows)})
                total, rows = total + len(rows), []
        if rows:
            say({"rows": rows, "n": len(rows)})
        say({"total": total + len(rows), "filled": list(sheet.filled.items())})
    except NotReadable as fault:
        say({"fault": fault.code, "params": fault.params})
    except MemoryError:
        say({"fault": "too_much", "params": {}})
    sink.flush()


def limit(size: int) -> None:
    """Bound this process by what an honest file of ``size`` bytes (unpacked) may need."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    memory = now + MEMORY + MEMORY_PER_BYTE * size
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    seconds = SECONDS + size / BYTES_PER_SECOND
    signal.setitimer(signal.ITIMER_PROF, seconds)  # SIGPROF ends the process
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, int(seconds) + 3))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
