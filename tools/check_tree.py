"""Tracked files name no package registry and no folder of the machine they were written on.

    python tools/check_tree.py

Others install from elsewhere: an address in a lock file or a path in a script binds them to us.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Written as pieces of host names, so that this file does not hold what it looks for.
REGISTRY = re.compile(
    r"(?:https?:)?//[\w.-]*(?:pypi|pythonhosted|npmjs|yarnpkg|debian|ubuntu|proxy\.golang)[\w.-]*",
    re.IGNORECASE,
)
MACHINE = re.compile(r"(?<![\w.])/(?:work/(?:main|shared)|root/\w|home/\w+/|Users/\w+/)")
BINARY = {".png", ".webp", ".woff2", ".xlsx", ".xls", ".ico", ".mo"}


def tracked() -> list[Path]:
    """The files that git knows; nothing outside a repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def findings(path: Path, root: Path = ROOT) -> Iterator[str]:
    """What is wrong in one file, as ``file:line: what``."""
    if path.suffix in BINARY or not path.is_file():
        return
    for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
        place = f"{path.relative_to(root).as_posix()}:{number}"
        if found := REGISTRY.search(line):
            yield f"{place}: names a package registry ({found[0]})"
        if (found := MACHINE.search(line)) or str(root) in line:
            yield f"{place}: names a folder of one machine ({found[0] if found else root})"


def main() -> int:
    """Look at all tracked files; 1 if anything is found."""
    found = [line for path in tracked() for line in findings(path)]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
