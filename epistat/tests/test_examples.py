"""The examples in the docstrings are true, and the package stands alone."""

import doctest
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from epistat import (
    calendar,
    charts,
    clusters,
    ears,
    percentile,
    places,
    seasonal,
    tails,
    windows,
    zones,
)

MODULES = [
    calendar, charts, clusters, ears, percentile, places, seasonal, tails, windows, zones,
]  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_the_docstrings_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_epistat_needs_numpy_and_scipy_and_nothing_of_the_house() -> None:
    code = "import sys, epistat.command; print({'django', 'fangkong'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "set()"
