"""The examples in the docstrings are true, and the package stands alone."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import epistat

MODULES = [module.name for module in pkgutil.iter_modules(epistat.__path__)]
WITHOUT = {"__main__", "tests"}  # __main__ runs when it is imported


@pytest.mark.parametrize("name", sorted({*MODULES} - WITHOUT))
def test_the_examples_of_the_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"epistat.{name}")).failed == 0


def test_every_public_function_has_an_example() -> None:
    public = [getattr(epistat, name) for name in epistat.__all__]
    functions = [each for each in public if callable(each) and not isinstance(each, type)]
    assert len(functions) >= 14
    assert [each.__name__ for each in functions if ">>>" not in (each.__doc__ or "")] == []


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
