"""The house as a list: its rooms and parts, found where they lie."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from django.apps import apps

PACKAGE = Path(__file__).resolve().parent.parent


def rooms() -> list[str]:
    """The installed rooms, lowest first (the order of INSTALLED_APPS)."""
    prefix = "fangkong."
    return [
        c.name.removeprefix(prefix) for c in apps.get_app_configs() if c.name.startswith(prefix)
    ]


def modules(name: str) -> list[tuple[str, ModuleType]]:
    """Every ``<room>/<name>.py`` and ``<room>/<part>/<name>.py``, as ("room/part", module)."""
    found = []
    for room in rooms():
        folders = [PACKAGE / room, *sorted(p for p in (PACKAGE / room).iterdir() if p.is_dir())]
        for folder in folders:
            if (folder / f"{name}.py").is_file():
                place = folder.relative_to(PACKAGE).as_posix()
                found.append((place, import_module(f"fangkong.{place.replace('/', '.')}.{name}")))
    return found


def urls_of(room: str) -> str:
    """The dotted name of a room's urls, or "" where it has no pages."""
    name = f"fangkong.{room}.urls"
    return name if find_spec(name) else ""
