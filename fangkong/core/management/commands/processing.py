"""``fangkong processing``: the register of processing, read from the code, as Markdown."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from fangkong.core.purposes.page import page


class Command(BaseCommand):
    help = "Print the register of processing."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(page(), ending="")
