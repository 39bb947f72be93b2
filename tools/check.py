"""Everything about the sources that a machine can judge, each named with its time.

    python tools/check.py

All are run, so that one look shows all there is to mend. Exit code 1 if any fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UI = "fangkong/web/ui"
PYTHON = sys.executable
TOOL = Path(PYTHON).parent


@dataclass(frozen=True)
class Check:
    """One command that must end well."""

    name: str
    command: tuple[str, ...]
    cure: str = ""
    folder: str = "."


CHECKS = (
    # The slow ones first: two run at a time.
    Check("types", (f"{TOOL}/mypy",)),
    Check("imports", (f"{TOOL}/lint-imports", "--no-logo"), "see docs/decisions"),
    Check("types of the front end", ("npm", "run", "--silent", "check"), folder=UI),
    Check("style", (f"{TOOL}/ruff", "check", "--quiet", "."), "make fix"),
    Check("layout", (f"{TOOL}/ruff", "format", "--quiet", "--diff", "."), "make fix"),
    Check("templates", (PYTHON, "tools/check_templates.py")),
    Check(
        "migrations",
        (PYTHON, "-m", "django", "makemigrations", "--check", "--dry-run", "--verbosity=1"),
        "make a migration: .venv/bin/python -m django makemigrations",
    ),
    Check(
        "translations", (PYTHON, "tools/translations.py", "check"), "make messages, then translate"
    ),
    Check("tracked files", (PYTHON, "tools/check_tree.py")),
)


def run(check: Check) -> tuple[Check, bool, float, str]:
    """Run one check; returns whether it ended well, its seconds and what it said."""
    start = time.monotonic()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "fangkong.config.settings",
        "PYTHONPATH": str(ROOT),
        # Nothing here needs data; a checkout must not get a secret key by being checked.
        "FANGKONG_SECRET_KEY": "only-for-checks-" * 4,
    }
    try:
        done = subprocess.run(
            check.command,
            cwd=ROOT / check.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        ok, said = done.returncode == 0, done.stdout
    except FileNotFoundError:
        ok, said = False, f"{check.command[0]} is missing"
    return check, ok, time.monotonic() - start, said


def main() -> int:
    """Run all checks; 1 if any fails."""
    failed = []
    with ThreadPoolExecutor(2) as pool:
        for check, ok, seconds, said in pool.map(run, CHECKS):
            print(f"{'ok  ' if ok else 'FAIL'}  {check.name} ({seconds:.1f} s)", flush=True)
            if not ok:
                failed.append(check)
                print(said.rstrip(), flush=True)
    for check in failed:
        print(
            f"failed: {check.name}{f'; try: {check.cure}' if check.cure else ''}", file=sys.stderr
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
