"""The tables of surveillance, re-exported so that the room keeps one migration history."""

from .bulletins.models import Bulletin, DailyReporting, NilReport
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
    "Bulletin",
    "Case",
    "CaseNumbering",
    "CountChange",
    "CustodyStep",
    "DailyCount",
    "DailyReporting",
    "DetectionRun",
    "Exposure",
    "Investigation",
    "NilReport",
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
