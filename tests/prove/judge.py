"""What became of the work: asked of the database itself, past the product."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from uuid import UUID

from tests.prove.client import Told
from tests.prove.installation import Installation


@dataclass
class Verdict:
    """Zero in everything but ``acknowledged`` and ``kept`` is what the product promises."""

    acknowledged: int = 0
    kept: int = 0
    lost: int = 0
    doubled: int = 0
    without_line: int = 0
    half: int = 0  # a case without its card, its key or its place in the counts

    @property
    def wrong(self) -> int:
        return self.lost + self.doubled + self.without_line + self.half

    @property
    def figures(self) -> dict[str, int]:
        return asdict(self)


def judged(here: Installation, told: Told) -> Verdict:
    """Compare what the clients were told with what the database holds."""
    rows = here.rows("SELECT remark, public_id, id FROM surveillance_case WHERE remark <> ''")
    known = {UUID(str(public_id)) for _mark, public_id, _id in rows}
    marks = [mark for mark, _public_id, _id in rows]
    lines = [
        row[0]
        for row in here.rows(
            "SELECT subject_id FROM core_auditline WHERE action = 'surveillance.monitoring.report'"
        )
    ]
    counted = here.one(
        "SELECT coalesce(sum(n), 0) FROM surveillance_dailycount WHERE basis = 'reported'"
    )
    cards = here.one("SELECT count(*) FROM surveillance_reportcard")
    keys = here.one("SELECT count(*) FROM core_command WHERE result_id IS NOT NULL")
    return Verdict(
        acknowledged=len(told.acknowledged),
        kept=len(rows),
        lost=sum(UUID(one) not in known for one in told.acknowledged.values()),
        doubled=len(marks) - len(set(marks)),
        without_line=len(set(lines) ^ {row[2] for row in rows}) + len(lines) - len(set(lines)),
        half=sum(abs(len(rows) - there) for there in (int(counted), cards, keys)),
    )
