"""What the harnesses share: their counts, an installation to copy, a PostgreSQL to kill."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from fangkong.conftest import _empty_append_only_tables  # noqa: F401  # a fixture for here too
from tests.prove.cluster import Cluster, running
from tests.prove.installation import Installation, copied, seeded
from tests.prove.proof import Proof


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mounting needs root, jumping clocks a compiler; continuous integration has both."""
    lacking = {
        "needs_root": os.geteuid() != 0,
        "needs_compiler": shutil.which("cc") is None,
    }
    for item in items:
        for name, lacks in lacking.items():
            if lacks and not os.environ.get("CI") and item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=name.replace("_", " ")))


@pytest.fixture(scope="session")
def proof() -> Iterator[Proof]:
    found = Proof()
    yield found
    if found.full:
        found.write()


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A folder with a short name, for PostgreSQL's socket has to fit in 100 signs."""
    folder = Path(tempfile.mkdtemp(prefix="prove-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(place: Path) -> Iterator[Cluster]:
    """A PostgreSQL of the harnesses' own, whatever the other tests run on."""
    with running(place / "pg") as found:
        yield found


@pytest.fixture(scope="session")
def on_sqlite(place: Path) -> Installation:
    return seeded(place / "first", f"sqlite:///{place / 'first' / 'fangkong.sqlite3'}")


@pytest.fixture(scope="session")
def on_postgresql(place: Path, cluster: Cluster) -> Installation:
    return seeded(place / "first-pg", cluster.new())


New = Callable[[], Installation]


@pytest.fixture
def new(request: pytest.FixtureRequest, place: Path) -> New:
    """Makes fresh installations on the database under test."""
    postgresql = bool(os.environ.get("DATABASE_URL"))
    first = request.getfixturevalue("on_postgresql" if postgresql else "on_sqlite")
    cluster = request.getfixturevalue("cluster") if postgresql else None
    return lambda: copied(first, place / f"copy-{next(_numbers)}", cluster)


_numbers = count(1)
