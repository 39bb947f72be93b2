"""What every test can use."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys come last: what is quick fails first.

    Also, once Playwright runs its event loop in this thread, Django refuses database calls in it.
    """
    items.sort(key=lambda item: "journeys" in item.path.parts)


@pytest.fixture(scope="session")
def journey_database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database of the kind under test, for a server of its own."""
    server = os.environ.get("DATABASE_URL", "")
    if not server:
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'fangkong.sqlite3'}"
        return
    import psycopg
    from psycopg.sql import SQL, Identifier

    name = f"journey_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
