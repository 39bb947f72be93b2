"""The tables of surveillance, re-exported so that the room keeps one migration history."""

from .monitoring.models import (
    Case,
    CaseNumbering,
    CountChange,
    DailyCount,
    ReportCard,
)
from .screening.models import Exposure, Observation, Visit
from .testing.models import (
    CustodyStep,
    Pool,
    PoolResult,
    PoolStep,
    Result,
    Specimen,
    TubeNumbering,
)
from .warning.models import Alarm, DetectionRun, Investigation, Signal

__all__ = [
    "Alarm",
    "Case",
    "CaseNumbering",
    "CountChange",
    "CustodyStep",
    "DailyCount",
    "DetectionRun",
    "Exposure",
    "Investigation",
    "Observation",
    "Pool",
    "PoolResult",
    "PoolStep",
    "ReportCard",
    "Result",
    "Signal",
    "Specimen",
    "TubeNumbering",
    "Visit",
]
