"""The page of verification says what is so."""

import re
import tomllib
from pathlib import Path

import pytest

from epistat.tests import verification
from epistat.tests.reference import REFERENCE
from epistat.tests.verification import PAGE, Row

BOUND = re.compile(r"\| < (\S+) \|")


@pytest.mark.skipif(
    not (REFERENCE / "detect").is_dir(), reason="the outputs of R are not beside the repository"
)
def test_the_page_of_verification_says_what_is_measured() -> None:
    said, measured = PAGE.read_text(encoding="utf-8"), verification.page()
    # Rounding differs a little from machine to machine, so bounds are compared as numbers.
    advice = "docs/epistat.md is out of date: make verification"
    assert BOUND.sub("| < |", said) == BOUND.sub("| < |", measured), advice
    for old, new in zip(BOUND.findall(said), BOUND.findall(measured), strict=True):
        assert float(new) <= 10 * float(old), advice
        assert float(old) <= 100 * float(new), advice


def test_a_bound_is_above_its_difference_and_not_far() -> None:
    for worst in (3e-16, 8e-14, 2.2e-12, 9e-10, 1.1e-9, 6.2e-5, 0.00995, 0.7):
        bound = float(Row(("x",), 1, worst).bound)
        assert worst < bound
        assert bound <= max(100 * worst, 1e-13)
    assert Row(("x",), 1, 0.0).bound == "0"


def test_no_page_is_made_with_a_difference_beyond_its_tolerance() -> None:
    assert Row(("x",), 1, 2e-8, allowed=1e-7).cells[2:4] == ["< 3e-08", "1e-07"]
    for worst in (2e-7, float("nan")):
        with pytest.raises(AssertionError, match="beyond"):
            Row(("x",), 1, worst, allowed=1e-7).cells  # noqa: B018  # a property that refuses


def test_no_extra_is_offered_that_nothing_imports() -> None:
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    sources = "".join(
        path.read_text(encoding="utf-8")
        for room in ("epistat", "fangkong")
        for path in (root / room).rglob("*.py")
        if "node_modules" not in path.parts
    )
    # What Django or another package imports by name.
    names = {"postgres": "postgresql", "redis": "redis"}
    for extra, packages in project["optional-dependencies"].items():
        first = re.split(r"[\[>=<;]", packages[0])[0]
        word = names.get(extra, first.replace("-sdk", "").replace("-", "[._]"))
        assert re.search(word, sources), extra
