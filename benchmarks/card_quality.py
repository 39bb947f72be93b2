"""How many report cards are judged in a second, beside reading the same rows alone.

    python benchmarks/card_quality.py [sqlite] [postgresql]

The page of card quality as headquarters asks it for thirty days, in a database of 10,000 and one of
400,000 cases: the cards are read, judged by the rule pack and counted. Beside it, in the same
process and by turns: the same statement read without judging anything. Medians of the rounds; CPU
of this process. Exits with 1 where fewer than 427 cards a second are judged (survalarm, 疾病监测
2025), or where judging a card costs more than four times what reading its row costs.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import process_time

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases  # noqa: E402
from benchmarks.ground.databases import PREFECTURE, VILLAGE  # noqa: E402

ROUNDS, LEAST, MOST_RATIO, DAYS = 7, 427, 4.0, 30
SIZES = {"10,000": VILLAGE, "400,000": PREFECTURE}


def one(word: str) -> int:
    kind, size = word.split(":")
    databases.use(kind, SIZES[size])
    from fangkong.accounts.models import User
    from fangkong.core import clock
    from fangkong.surveillance.quality import queries, rules
    from fangkong.surveillance.quality.facts import Audit

    user, at = User.objects.get(username="headquarters"), clock.now()
    last = clock.day_of(at)
    asked = queries.Asked(first=last - timedelta(days=DAYS - 1), last=last)
    nothing = Audit((), frozenset())
    judge, facts = rules.Auditor.audit, queries._facts
    spent: dict[bool, list[float]] = {True: [], False: []}
    cards = []
    for n in range(2 * ROUNDS + 2):
        judging = n % 2 == 0
        if not judging:
            rules.Auditor.audit = lambda *_args, **_more: nothing  # type: ignore[method-assign]
            queries._facts = lambda _row: None  # type: ignore[assignment,return-value]
        start = process_time()
        cards = queries.judged(user, at, asked)
        queries.whole(cards)
        if n > 1:  # the first of each warms up
            spent[judging].append(process_time() - start)
        rules.Auditor.audit, queries._facts = judge, facts  # type: ignore[method-assign]
    if not cards:
        raise SystemExit("no card was reported in these days: nothing was measured")
    whole, read = median(spent[True]), median(spent[False])
    speed, ratio = len(cards) / whole, whole / read
    kept = speed > LEAST and ratio <= MOST_RATIO
    print(
        f"{kind}, {size} cases: {len(cards):,} cards of {DAYS} days, {speed:,.0f} a second, "
        f"{whole * 1000:.0f} ms; {ratio:.2f} times reading them: {'met' if kept else 'MISSED'}"
    )
    return 0 if kept else 1


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        return one(sys.argv[2])
    import subprocess

    kinds = [kind for kind in databases.KINDS if kind in sys.argv[1:]] or list(databases.KINDS)
    codes = [
        subprocess.run([sys.executable, __file__, "--one", f"{kind}:{size}"]).returncode
        for kind in kinds
        for size in SIZES
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
