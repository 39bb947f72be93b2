"""What is right about codes, names and numbers of places. Pure functions, no Django."""

from __future__ import annotations

# Levels whose codes are GB/T 2260: a division lies in another when its code continues the other's.
CODED_LEVELS = ("country", "province", "prefecture", "county")

COUNTRY_CODE = "000000"
_KEY_WIDTH = 8


def step(key: int) -> str:
    """One step of a path: the row's key, padded so that text sorts as numbers do."""
    return f"{key:0{_KEY_WIDTH}d}/"


def below(path: str) -> tuple[str, str]:
    """The bounds between which every path below ``path`` sorts, both excluded.

    Two bounds instead of LIKE: they use the index on every database and in every collation.
    """
    *above, last, _ = path.split("/")
    return path, "".join(f"{key}/" for key in above) + step(int(last) + 1)


def lies_in(code: str, other: str) -> bool:
    """Whether the division ``code`` is ``other`` or lies in it, by GB/T 2260 (513326 in 513300)."""
    if other == COUNTRY_CODE:
        return True
    stem = other
    while len(stem) > 2 and stem.endswith("00"):
        stem = stem[:-2]
    return code.startswith(stem)
