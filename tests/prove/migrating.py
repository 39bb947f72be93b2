"""Migrate databases and be killed at any statement; a program that ``test_migrate.py`` talks with.

``python -m tests.prove.migrating`` reads one request a line, as JSON, and answers each with a line.
Every request is carried out by a child of its own on the database that it names, so Django is
loaded once for hundreds of kills: {"name": of the database, "what": "back", "migrate" or "start"};
"rooms" says how far back, "kill" at which step it is killed, "after" behind which statement.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, connections


class Counter:
    """Counts the statements and both sides of each commit; at ``kill`` the process is gone."""

    def __init__(self, kill: int, after: str) -> None:
        self.kill, self.after, self.steps, self.last = kill, after, 0, ""

    def step(self, what: str) -> None:
        self.steps += 1
        if self.steps == self.kill or (self.after and self.after in self.last):
            os.kill(os.getpid(), signal.SIGKILL)
        self.last = what

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: object, many: bool, context: object
    ) -> Any:
        self.step(sql)
        return execute(sql, params, many, context)

    def watch(self) -> None:
        plain = connection._commit

        def commit() -> Any:
            self.step("before a commit")
            done = plain()
            self.step("after a commit")
            return done

        connection.execute_wrappers.append(self)
        connection._commit = commit


def carry_out(
    name: str, what: str, rooms: dict[str, str], kill: int, after: str
) -> dict[str, object]:
    """In the child: the whole of one request."""
    from fangkong.config import serve
    from fangkong.config.problems import CannotGoOn

    connections.databases["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name
    counter = Counter(kill, after)
    counter.watch()
    try:
        if what == "back":
            for room, target in rooms.items():
                call_command("migrate", room, target, verbosity=0, interactive=False)
        elif what == "migrate":
            serve.prepare_database()
        else:
            serve.require_database()
    except CannotGoOn as problem:
        return {"refused": str(problem), "steps": counter.steps}
    return {"refused": "", "steps": counter.steps}


def in_child(asked: dict[str, Any]) -> dict[str, object]:
    """Fork, carry out, and say how it ended: {"killed": true} where the child was."""
    here, there = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(there, json.dumps(carry_out(**asked)).encode())
        except BaseException as problem:  # said to the harness, whatever it is
            os.write(there, json.dumps({"error": repr(problem)[:2000]}).encode())
        finally:
            os._exit(0)
    os.close(there)
    with os.fdopen(here, "rb") as answer:
        said = answer.read()
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"killed": True}
    found: dict[str, object] = json.loads(said)
    return {"killed": False, **found}


def main() -> None:
    django.setup()
    for line in sys.stdin:
        print(json.dumps(in_child(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
