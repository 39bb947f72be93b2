"""Hands the register to the process that compares it (``linkage``), and takes what it found.

Nothing sealed is opened: numbers go over as their blind indexes. The register is read a part at a
time and goes through a pipe; neither this process nor the other writes it anywhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import Any

import fangkong
from fangkong.core.privacy import PSEUDONYM

from .. import rules as people
from ..models import IdentityDocument, Person, Phone
from ..types import DocumentKind
from .linkage import STEPS, Options

CHUNK = 20_000
PATIENCE = 3 * 3600.0  # seconds after which a search has failed
_READING = 4  # parts of the progress bar for reading, as many as four steps of the comparison
PARTS = _READING + STEPS + 1

Progress = Callable[[int, int], None]


@cache
def _schema() -> Any:
    """What is sent, row by row. PyArrow is loaded here alone: a server that starts needs none."""
    import pyarrow as pa

    texts = pa.list_(pa.string())
    return pa.schema(
        [
            ("unique_id", pa.int64()),
            *((name, pa.string()) for name in ("name", "pinyin", "initials", "first", "sex")),
            *((name, pa.string()) for name in ("born", "swapped")),
            *((name, pa.int64()) for name in ("year", "county", "town")),
            ("citizen", pa.string()),
            ("documents", texts),
            ("phones", texts),
            ("synthetic", pa.bool_()),
        ]
    )


class SearchFailed(Exception):
    """The other process has ended without an answer; the text names the kind of fault alone."""


@dataclass
class Found:
    """The pairs by their keys, the smaller first: weight in thousandths of a bit, and levels.

    ``last``: the largest key that was compared; whoever came later was not.
    """

    persons: int = 0
    last: int = 0
    weights: dict[str, Any] = field(default_factory=dict)
    weights_from: str = ""
    pairs: dict[tuple[int, int], tuple[int, dict[str, str]]] = field(default_factory=dict)


def available() -> bool:
    """Whether what compares is installed; nothing of it is loaded."""
    return all(find_spec(name) is not None for name in ("splink", "duckdb"))


def search(options: Options, progress: Progress) -> Found:
    """Compare the whole register. SearchFailed where the other process does not answer."""
    found = Found()
    child = subprocess.Popen(
        [sys.executable, "-m", "fangkong.people.duplicates.linkage"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a package's complaint may quote a row
        cwd=Path(fangkong.__file__).parents[1],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    late = Timer(PATIENCE, child.kill)
    late.start()
    try:
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(json.dumps(asdict(options)).encode() + b"\n")
            found.persons, found.last = _send(child.stdin, progress)
            child.stdin.flush()
        except BrokenPipeError:
            raise SearchFailed("ended while reading") from None
        ended = False
        for line in child.stdout:
            ended = _take(json.loads(line), found, progress) or ended
        if not ended:
            raise SearchFailed("no answer")
        return found
    finally:
        late.cancel()
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None and not pipe.closed:
                _close(pipe)


def _close(pipe: Any) -> None:
    with suppress(BrokenPipeError):  # what was left for a process that is gone
        pipe.close()


def _take(said: Mapping[str, Any], found: Found, progress: Progress) -> bool:
    """Note one line of the other process; whether it was the last one."""
    if "fault" in said:
        raise SearchFailed(str(said["fault"]))
    if "step" in said:
        progress(_READING + said["step"], PARTS)
    elif "weights" in said:
        found.weights, found.weights_from = said["weights"], said["from"]
    elif "pair" in said:
        one, other, weight, levels = said["pair"]
        found.pairs[one, other] = (weight, levels)
    return "end" in said


def _send(out: Any, progress: Progress) -> tuple[int, int]:
    """Every person who may be compared, as an Arrow stream; gives how many, and the last key."""
    standing = Person.objects.filter(merged_into__isnull=True, restricted_at__isnull=True)
    standing = standing.exclude(name__startswith=PSEUDONYM)
    whole, sent, last = max(standing.count(), 1), 0, 0
    import pyarrow as pa

    with pa.ipc.new_stream(out, _schema()) as stream:
        for rows in _rows(standing):
            stream.write_batch(pa.RecordBatch.from_pylist(rows, schema=_schema()))
            sent, last = sent + len(rows), rows[-1]["unique_id"]
            progress(_READING * sent // whole, PARTS)
    return sent, last


def _rows(standing: Any) -> Iterator[list[dict[str, Any]]]:
    last = 0
    columns = (
        *("pk", "name", "name_pinyin", "name_initials", "sex", "birth_date", "county_id"),
        *("area_id", "synthetic"),
    )
    while chunk := list(standing.filter(pk__gt=last).order_by("pk").values_list(*columns)[:CHUNK]):
        first, last = chunk[0][0], chunk[-1][0]
        documents, citizens = _documents(first, last)
        phones = _phones(first, last)
        yield [
            _row(row, citizens.get(row[0]), documents.get(row[0], []), phones.get(row[0], []))
            for row in chunk
        ]


def _documents(first: int, last: int) -> tuple[dict[int, list[str]], dict[int, str]]:
    """The blind indexes of documents with their kind, and of citizens' numbers, by person."""
    every: dict[int, list[str]] = defaultdict(list)
    citizens: dict[int, str] = {}
    rows = IdentityDocument.objects.filter(person_id__gte=first, person_id__lte=last).order_by("pk")
    rows = rows.exclude(kind=DocumentKind.NONE).exclude(number_index="")
    for person, kind, index in rows.values_list("person_id", "kind", "number_index"):
        every[person].append(f"{kind}:{index}")
        if kind == DocumentKind.RESIDENT_ID:
            citizens[person] = index
    return every, citizens


def _phones(first: int, last: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    rows = Phone.objects.filter(person_id__gte=first, person_id__lte=last).exclude(number_index="")
    for person, index in rows.order_by("pk").values_list("person_id", "number_index"):
        found[person].append(index)
    return found


def _row(
    row: Sequence[Any], citizen: str | None, documents: list[str], phones: list[str]
) -> dict[str, Any]:
    key, name, pinyin, initials, sex, born, county, area, synthetic = row
    bare = people.bare_name(name)
    return {
        "unique_id": key,
        "name": bare or None,
        "pinyin": pinyin,
        "initials": initials,
        "first": bare[:1],
        "sex": sex if people.is_stated(sex) else None,
        "born": born.isoformat() if born else None,
        "swapped": swapped(born),
        "year": born.year if born else None,
        "county": county,
        "town": area if area != county else None,
        "citizen": citizen,
        "documents": documents,
        "phones": phones,
        "synthetic": synthetic,
    }


def swapped(born: date | None) -> str | None:
    """The date with day and month changed about, where that is another date."""
    if born is None or born.day > 12 or born.day == born.month:
        return None
    return born.replace(month=born.day, day=born.month).isoformat()
