"""What was injected and what was seen, as numbers. ``PROVE=full`` asks for the whole length."""

from __future__ import annotations

import json
import os
import random
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("PROVE_SEED", "2020"))


class Proof:
    """The harnesses' counts; a harness notes its planted bug beside what the product did."""

    def __init__(self) -> None:
        self.full = os.environ.get("PROVE") == "full"
        self.figures: dict[str, dict[str, Any]] = {}

    def dice(self, name: str) -> random.Random:
        return random.Random(f"{SEED}:{name}")

    def note(self, name: str, **figures: Any) -> None:
        self.figures[name] = figures
        print(f"{name}: {figures}")

    def write(self) -> None:
        """Add to what other runs of this commit have noted, in ``var/proof.json`` and ``.md``."""
        asked = ["git", "rev-parse", "HEAD"]
        commit = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True).stdout.strip()
        path = ROOT / "var" / "proof.json"
        path.parent.mkdir(exist_ok=True)
        known = json.loads(path.read_text()) if path.is_file() else {}
        if (known.get("commit"), known.get("seed")) != (commit, SEED):
            known = {"commit": commit, "seed": SEED, "harnesses": {}}
        known["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        for name, figures in self.figures.items():
            known["harnesses"][f"{name} ({connection.vendor})"] = figures
        path.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        path.with_suffix(".md").write_text(page(known))


def page(known: dict[str, Any]) -> str:
    """The counts as a page for people."""
    lines = ["# Proof", "", f"Commit {known['commit']}, seed {known['seed']}, {known['at']}.", ""]
    lines += ["| harness | counts |", "|---|---|"]
    for name, figures in sorted(known["harnesses"].items()):
        told = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in figures.items())
        lines.append(f"| {name} | {told} |")
    return "\n".join(lines) + "\n"
