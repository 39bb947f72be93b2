"""How the processes of a whole run share the tests: file by file, and ``spread`` ones one by one.

A file's fixtures are then made in one process. pytest-xdist's own grouping (``--dist loadgroup``)
names the group in the test's id, which pytest 9.2 lets nobody change any more: its tests are given
out one by one and every fixture of a file is made in each process (pytest-xdist, issue 1386).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

SPREAD = "pytest.mark.spread"


def units(ids: Iterable[str], root: Path) -> dict[str, str]:
    """For each test the name of the unit of work that it belongs to.

    Neighbours from one file are one unit: pytest-django has put those that really commit behind all
    others, and there they stay.
    """
    named: dict[str, str] = {}
    for number, (file, tests) in enumerate(groupby(ids, key=lambda one: one.partition("::")[0])):
        alone = SPREAD in (root / file).read_text("utf-8")
        for one in tests:
            named[one] = one if alone else f"{number} {file}"
    return named


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives out whole files in the order in which they were found."""

    _units: dict[str, str]

    def schedule(self) -> None:
        if self.collection is None:
            found = next(iter(self.registered_collections.values()))
            self._units = units(found, Path(self.config.rootpath))
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self._units[nodeid]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile | None:
    """Take the place of ``--dist loadscope``, whose options are meant as well."""
    return ByFile(config, log) if config.getvalue("dist") == "loadscope" else None
