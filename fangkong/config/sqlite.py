"""Use a SQLite without the WAL-reset bug (fixed in 3.51.3) where a wheel brings one.

Python's own ``sqlite3`` module uses the library of the operating system, which is often older.
``pysqlite3`` bundles a new one; it takes the place of ``sqlite3`` before Django loads.
"""

from __future__ import annotations

import sqlite3
import sys

SAFE = (3, 51, 3)


def use_newest() -> None:
    """Put pysqlite3 in the place of sqlite3 where it is installed and newer."""
    if sqlite3.sqlite_version_info >= SAFE:
        return
    try:
        import pysqlite3
        import pysqlite3.dbapi2
    except ImportError:
        return
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2


def is_safe() -> bool:
    """Whether the SQLite in use is free of the bug."""
    import sqlite3 as in_use

    return in_use.sqlite_version_info >= SAFE
