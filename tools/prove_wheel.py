"""Install the wheel into an empty environment and see that it is whole.

    python tools/prove_wheel.py dist

Stops with exit code 1 if a built file is missing in it or the command does not answer.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (
    "fangkong/web/static/web/dist/manifest.json",
    "fangkong/places/static/places/borders/513300.geojson",
    "fangkong/surveillance/arrivals/data/origins.csv",
    "fangkong/web/locale/zh_Hans/LC_MESSAGES/django.mo",
    "fangkong/web/templates/base.html",
    "epistat/__init__.py",
)
UNWANTED = ("/tests/", "/node_modules/", "fangkong/web/ui/")
UV = str(Path(sys.executable).parent / "uv")


class Incomplete(Exception):
    """The wheel is not whole; the text says what is wrong."""


def look_inside(wheel: Path) -> None:
    """All that must be in the wheel is in it, and nothing that must not."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    if missing := [name for name in NEEDED if name not in names]:
        raise Incomplete(f"{wheel.name} lacks {', '.join(missing)}")
    if unwanted := [name for name in names if any(part in name for part in UNWANTED)]:
        raise Incomplete(
            f"{wheel.name} holds {unwanted[0]} and {len(unwanted) - 1} more of its kind"
        )
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.1f} MB")


def install_and_ask(wheel: Path) -> None:
    """The command answers, and its settings and pages are found, far from the repository."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = str(folder / "venv" / "bin" / "python")
        fangkong = str(folder / "venv" / "bin" / "fangkong")
        locked = ["--constraint", str(ROOT / "requirements" / "app.txt")]
        answers = (
            [UV, "venv", "--quiet", "--python", sys.executable, str(folder / "venv")],
            [UV, "pip", "install", "--quiet", "--python", python, *locked, str(wheel)],
            [fangkong, "--help"],
            [fangkong, "migrate"],
            [fangkong, "check"],
        )
        for command in answers:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Incomplete(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
            print(f"ok  {' '.join(Path(word).name for word in command[:2])}")


def main() -> int:
    """Prove the newest wheel of the folder named on the command line."""
    wheels = sorted(
        Path(sys.argv[1]).resolve().glob("*.whl"), key=lambda path: path.stat().st_mtime
    )
    try:
        if not wheels:
            raise Incomplete(f"there is no wheel in {sys.argv[1]}: run `make wheel`")
        look_inside(wheels[-1])
        install_and_ask(wheels[-1])
    except Incomplete as problem:
        print(f"fangkong: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
