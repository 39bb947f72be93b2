"""The tables of surveillance, re-exported so that the room keeps one migration history."""

from .monitoring.models import (
    Case,
    CaseNumbering,
    CountChange,
    DailyCount,
    ReportCard,
)
from .warning.models import Alarm, DetectionRun, Signal

__all__ = [
    "Alarm",
    "Case",
    "CaseNumbering",
    "CountChange",
    "DailyCount",
    "DetectionRun",
    "ReportCard",
    "Signal",
]
