"""The wheel holds what is built from sources: front end, borders, names of areas, translations.

These files are not in git. ``make wheel`` makes them first; a wheel without them would show pages
without style, empty maps and no Chinese, so the build stops where one is missing. An installation
in place (editable) reads them from the tree and needs no check.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = {
    "front end": "fangkong/web/static/web/dist/manifest.json",
    "borders": "fangkong/places/static/places/borders/513300.geojson",
    "names of areas": "fangkong/surveillance/arrivals/data/origins.csv",
}


class FangkongBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # any builder's settings
    """Refuses to build an incomplete wheel or source archive."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects the files."""
        if version == "editable":
            return
        if missing := missing_in(Path(self.root)):
            raise SystemExit(
                f"fangkong: not built yet: {', '.join(missing)}. In a clone of the repository run "
                "`make wheel`; it builds them and the wheel."
            )


def missing_in(root: Path) -> list[str]:
    """What still has to be built below ``root``."""
    missing = [name for name, file in BUILT.items() if not (root / file).is_file()]
    catalogues = sorted(root.glob("fangkong/*/locale/*/LC_MESSAGES/django.po"))
    if not all(path.with_suffix(".mo").is_file() for path in catalogues):
        missing.append("translations")
    return missing
