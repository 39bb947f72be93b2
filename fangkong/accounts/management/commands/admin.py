"""``fangkong admin NAME``: the first administrator of a new installation."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from fangkong.accounts import actions, queries
from fangkong.core import clock
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.places import queries as places


class Command(BaseCommand):
    help = "Make the first administrator of a new installation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        if queries.any_users():
            raise CommandError("there are accounts already: an administrator makes further ones")
        at = clock.now()
        today = clock.day_of(at)
        home = places.home(today)
        if home is None:
            raise CommandError("the areas are not loaded yet. Run `fangkong places` first.")
        with transaction.atomic():
            try:
                user = actions.add_staff(
                    username=options["username"],
                    name=options["name"],
                    password=_password(),
                    by=None,
                    at=at,
                )
                actions.appoint(
                    user=user,
                    role=Role.ADMINISTRATOR,
                    area=home,
                    facility=None,
                    valid_from=today,
                    valid_to=None,
                    by=None,
                    at=at,
                )
            except Refused as problem:
                raise CommandError(str(problem)) from None
        self.stdout.write(f"{user.username} is administrator of {home.display_name}.")


def _password() -> str:
    """Typed twice at a terminal, or one line from standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise CommandError("the two passwords differ. Nothing was made.")
    return first
