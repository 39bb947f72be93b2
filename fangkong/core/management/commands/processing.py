"""``fangkong processing``: the register of processing, read from the code, as Markdown."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fangkong.core.purposes.page import FILES, page


class Command(BaseCommand):
    help = "Print the register of processing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--language", choices=list(FILES), default="en", help="Chinese or English (default)"
        )

    def handle(self, *args: Any, language: str, **options: Any) -> None:
        self.stdout.write(page(language), ending="")
