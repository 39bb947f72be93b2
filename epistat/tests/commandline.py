"""Commands as they are typed, for the tests of several of them."""

import csv
import io

import pytest

from epistat.commands import main

Capture = pytest.CaptureFixture[str]


def answer(capsys: Capture, *argv: str) -> list[dict[str, str]]:
    """The rows that a command prints, with nothing besides."""
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return list(csv.DictReader(io.StringIO(out)))


def complaint(capsys: Capture, *argv: str) -> str:
    """The one line that tells what is wrong."""
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err
