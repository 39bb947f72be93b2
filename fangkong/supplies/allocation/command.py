"""``fangkong allocate``: a problem as JSON in, the plan as JSON out. No settings, no database."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NoReturn

from . import words
from .reading import MEGABYTES, MOST_FAULTS, Fault, WrongProblem, read, schema


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    made = _Parser(
        prog="fangkong allocate",
        description="Share out scarce goods: read a problem as JSON, print the plan as JSON.",
        epilog="docs/allocation.md explains both.",
    )
    made.add_argument("problem", nargs="?", metavar="PROBLEM.json", help="a file, or - for stdin")
    made.add_argument("--schema", choices=["problem", "plan"], help="print a JSON Schema instead")
    made.add_argument("--language", choices=["en", "zh"], default="en", help="of the reasons")
    return made


def run(args: Sequence[str], out: IO[bytes] | None = None) -> int:
    """Run the command; returns the exit code. Faults go to standard error, one a line."""
    import orjson

    options = parser().parse_args(args)
    out = out or sys.stdout.buffer
    pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    if options.schema:
        out.write(orjson.dumps(schema(options.schema), option=pretty))
        return 0
    if options.problem is None:
        parser().error("name a problem: fangkong allocate PROBLEM.json, or - for standard input")
    try:
        problem = read(_text(options.problem))
    except WrongProblem as wrong:
        _refuse(options.problem, wrong.faults, words.catalogue(options.language))
        return 2
    from .rules import allocate  # NumPy is loaded only for a problem that can be solved

    plan = allocate(problem, words.say_in(options.language))
    small = len(plan.shares) <= 10_000
    try:
        out.write(orjson.dumps(plan, option=pretty if small else orjson.OPT_APPEND_NEWLINE))
        out.flush()
    except BrokenPipeError:
        return 1
    return 0


def _text(name: str) -> bytes:
    """What a file or standard input holds, up to one byte more than is read."""
    most = MEGABYTES * 2**20 + 1
    if name == "-":
        return sys.stdin.buffer.read(most)
    try:
        with Path(name).open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        raise WrongProblem([Fault("", "file_missing")]) from None
    except OSError as problem:
        raise WrongProblem(
            [Fault("", "file_unreadable", (("why", problem.strerror or "?"),))]
        ) from None


def _refuse(name: str, faults: list[Fault], translate: words.Translate) -> None:
    for fault in faults[:MOST_FAULTS]:
        text = translate(words.FAULTS[fault.code]) % dict(fault.facts)
        print(f"fangkong allocate: {fault.place or name}: {text}.", file=sys.stderr)
    if len(faults) > MOST_FAULTS:
        text = translate(words.FAULTS["more"]) % {"more": len(faults) - MOST_FAULTS}
        print(f"fangkong allocate: {text}.", file=sys.stderr)
