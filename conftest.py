"""What every test can use."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import HealthCheck, settings

from tools import migrated

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

# Nothing is told by how long it took: the machines are shared.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys come last: what is quick fails first.

    Also, once Playwright runs its event loop in this thread, Django refuses database calls in it.
    """
    items.sort(key=lambda item: "journeys" in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def _key_ring() -> None:
    """The keys of sealed fields, which `fangkong run` would have made at its first start."""
    from datetime import UTC, datetime

    from fangkong.core.sealing import keys

    if not keys.path().exists():
        keys.make(datetime.now(UTC))


@pytest.fixture(scope="session", autouse=True)
def _sealing_waits() -> Iterator[None]:
    """A sealer gives way to a vacuum and comes again in a minute; a test seals once, and waits."""
    from fangkong.core.audit import seals

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seals, "LOCK_TIMEOUT", "60s")
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_found_once() -> Iterator[None]:
    """Every test client builds the middleware anew, and WhiteNoise would ask the disk for every
    static file again: a fifth of the time of a test that asks for many pages.
    """
    from whitenoise.middleware import WhiteNoiseMiddleware

    found: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _passwords_hashed_quickly() -> Iterator[None]:
    """A password takes a tenth of a second to hash, on purpose; a test guesses many of them.

    The same hasher with the least work; servers that tests start are other processes and work in
    full.
    """
    from django.contrib.auth.hashers import Argon2PasswordHasher

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Argon2PasswordHasher, "time_cost", 1)
        patch.setattr(Argon2PasswordHasher, "memory_cost", 8)  # KiB
        patch.setattr(Argon2PasswordHasher, "parallelism", 1)
        yield


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None, request: pytest.FixtureRequest) -> bool:
    """Begin with a database that an earlier run of the same sources has migrated."""
    from django.db import connection

    asked: bool = request.config.getvalue("reuse_db")
    if connection.vendor != "sqlite" or request.config.getvalue("create_db"):
        return asked
    creation: Any = connection.creation
    return migrated.take(migrated.template(), Path(creation._get_test_db_name())) or asked


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_keepdb: bool, django_db_blocker: DjangoDbBlocker
) -> None:
    """Keep what was migrated from nothing, before any test writes into it."""
    from django.db import connection

    if connection.vendor == "sqlite" and not django_db_keepdb:
        with django_db_blocker.unblock():
            name = Path(str(connection.settings_dict["NAME"]))
            connection.close()
            migrated.keep(name, migrated.template())


@pytest.fixture(autouse=True)
def _language_of_the_house() -> None:
    """What an earlier test's last request spoke stays with the process; a new test forgets it."""
    from django.utils import translation

    translation.deactivate()


@pytest.fixture(autouse=True, scope="session")
def _second_factor_of_tests() -> Iterator[None]:
    """``client.force_login`` opens a session that has passed a second factor, as real ones have.

    Only a request without an address does: signing in through the page is never let off.
    """
    from django.contrib.auth.signals import user_logged_in

    def mark(sender: object, request: Any, user: Any, **more: object) -> None:
        if "SERVER_NAME" not in request.META:
            request.session["sign_in"] = {**request.session["sign_in"], "factor": "totp"}

    user_logged_in.connect(mark, weak=False, dispatch_uid="tests.second_factor")
    yield
    user_logged_in.disconnect(dispatch_uid="tests.second_factor")


NewDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewDatabase]:
    """Makes empty databases of the kind under test: each call gives an address.

    With the name of a database of the server under test, one that holds what that one holds.
    """
    server = os.environ.get("DATABASE_URL", "")
    made: list[str] = []

    def new(like: str = "") -> str:
        if not server:
            return f"sqlite:///{tmp_path_factory.mktemp('database') / 'fangkong.sqlite3'}"
        made.append(f"journey_{secrets.token_hex(4)}")
        if like:
            _tell(server, "CREATE DATABASE {} TEMPLATE {}", made[-1], like)
        else:
            _tell(server, "CREATE DATABASE {}", made[-1])
        return urlunsplit(urlsplit(server)._replace(path=f"/{made[-1]}"))

    yield new
    for name in made:
        _tell(server, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="session")
def migrated_database(django_db_setup: None, new_database: NewDatabase) -> NewDatabase:
    """Makes databases that have all tables where one was kept (SQLite), and are empty elsewhere.

    Either way the product is told to migrate it, which is quick where nothing is left to do.
    """

    def new() -> str:
        address = new_database()
        if address.startswith("sqlite"):
            migrated.take(migrated.template(), Path(address.removeprefix("sqlite:///")))
        return address

    return new


def _tell(server: str, statement: LiteralString, *names: str) -> None:
    import psycopg
    from psycopg.sql import SQL, Identifier

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL(statement).format(*map(Identifier, names)))
