"""The tables of surveillance, re-exported so that the room keeps one migration history."""

from .monitoring.models import (
    Case,
    CaseNumbering,
    CountChange,
    DailyCount,
    ImportBatch,
    ImportRow,
    ReportCard,
)

__all__ = [
    "Case",
    "CaseNumbering",
    "CountChange",
    "DailyCount",
    "ImportBatch",
    "ImportRow",
    "ReportCard",
]
