"""Which counties there would be: those that came with Fangkong, and those of the file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fangkong.places import queries as places
from fangkong.places import rules


def counties(area: str, rows: Sequence[dict[str, str]], day: date) -> dict[str, str]:
    """Code and Chinese name of the counties below a prefecture, or of the county itself."""
    found: dict[str, str] = {}
    if (known := places.area(area, day)) is not None:
        below = [known] if known.level == "county" else places.children(known, day)
        found = {one.code: one.name_zh for one in below if one.level == "county"}
    for row in rows:
        code = row.get("code", "").strip()
        level = row.get("level", "").strip() or rules.level_of(code)
        parent = row.get("parent", "").strip() or rules.parent_code(code, rules.level_of(code))
        if (parent == area or code == area) and rules.level_of(code) == "county" and level:
            found[code] = row.get("name_zh", "")
    return dict(sorted(found.items()))


def is_known(area: str, rows: Sequence[dict[str, str]], day: date) -> bool:
    """Whether an area stands in the directory or in the file."""
    return places.area(area, day) is not None or any(row.get("code") == area for row in rows)
