"""``fangkong where /supplies/stock/``: from an address to its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import Resolver404, resolve

ROOT = Path(__file__).resolve().parents[4]


class Command(BaseCommand):
    help = "Show the files behind a page's address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url")

    def handle(self, *args: Any, **options: Any) -> None:
        path = urlsplit(options["url"]).path
        try:
            match = resolve(path if path.startswith("/") else f"/{path}")
        except Resolver404:
            raise CommandError(f"no page answers {path}. Write it as in the browser.") from None
        view = _innermost(match.func)
        file = Path(view.__code__.co_filename)
        folder = file.parent
        self.stdout.write(f"name      {match.view_name}")
        self.stdout.write(
            f"view      {_short(file)}:{view.__code__.co_firstlineno} {view.__name__}"
        )
        stem = view.__name__
        for label, pattern in (
            ("template", f"templates/**/{stem}.html"),
            ("script", f"static/**/{stem}.js"),
            ("test", f"tests/test_{stem}.py"),
        ):
            for found in sorted(folder.glob(pattern)):
                self.stdout.write(f"{label:<9} {_short(found)}")
        for name in ("forms", "actions", "queries", "rules", "models"):
            if (folder / f"{name}.py").is_file():
                self.stdout.write(f"{name:<9} {_short(folder / f'{name}.py')}")


def _innermost(view: Any) -> Any:
    while hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    return getattr(view, "view_class", view) if not hasattr(view, "__code__") else view


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
