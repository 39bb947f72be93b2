"""``fangkong person-data REQUEST --to FILE --user NAME``: the copy of a granted request as ZIP."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.audit.types import How
from fangkong.core.dossier import queries as dossier
from fangkong.core.pages import export
from fangkong.core.refusals import Refused
from fangkong.people.requests import actions, copies, queries


class Command(BaseCommand):
    help = "Write the copy of a granted request of a person to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("request")
        parser.add_argument("--to", type=Path, required=True)
        parser.add_argument("--user", required=True)

    def handle(self, *args: Any, request: str, to: Path, user: str, **options: Any) -> None:
        at = clock.now()
        member = get_user_model().objects.filter(username=user, is_active=True).first()
        try:
            found = queries.open_to(member, at).filter(public_id=UUID(request)) if member else None
        except ValueError:
            found = None
        asked = found.first() if found is not None else None
        if asked is None or member is None:
            raise CommandError("There is no such request open to this user. Check both.")
        try:
            asked = actions.hand_over(request=asked, form="zip", by=member, at=at)
        except Refused as problem:
            raise CommandError(str(problem)) from None
        place = "people.requests.give"
        audit.seen(asked.person, by=member, at=at, how=How.EXPORTED, place=place)
        held = dossier.dossier(asked.person, at)
        try:
            handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as problem:
            raise CommandError(f"{to} cannot be written ({problem.strerror}).") from None
        with os.fdopen(handle, "wb") as file:
            file.write(copies.archive(asked, held, export.signed(member, at)).content)
        self.stdout.write(f"{to} written; hand it to the person and delete it here.")
