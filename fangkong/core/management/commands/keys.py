"""``fangkong keys``: the keys of the sealed personal data."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fangkong.core import clock
from fangkong.core.sealing import actions, keys, queries


class Command(BaseCommand):
    help = "List the keys of sealed personal data, add one, or seal everything with the newest."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["list", "add", "rotate"])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")()
        except keys.KeyRingProblem as problem:
            raise CommandError(str(problem)) from None

    def _list(self) -> None:
        queries.verify()
        ring, used = keys.ring(fresh=True), queries.in_use()
        self.stdout.write(f"{keys.path()}")
        for key in ring.keys.values():
            current = ", seals from now on" if key.id == ring.current else ""
            self.stdout.write(
                f"{key.id}  {key.cipher}  made {key.made}  {used.get(key.id, 0)} values{current}"
            )

    def _add(self) -> None:
        key = actions.add_key(at=clock.now())
        self.stdout.write(
            f"{key.key_id} seals from now on. Keep a new copy of {keys.path()} apart from the "
            "database, then run `fangkong keys rotate`."
        )

    def _rotate(self) -> None:
        done = actions.rotate(at=clock.now(), say=self.stdout.write)
        self.stdout.write(f"{done} values sealed anew with {keys.ring().current}.")
