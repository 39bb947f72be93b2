"""The tables of surveillance, re-exported so that the room keeps one migration history."""

from .arrivals.models import Answer, Arrival, Asked, Checkpoint, Passage, RiskArea
from .bulletins.models import Bulletin, DailyReporting, NilReport
from .exchange.models import Message, SentResult
from .monitoring.models import (
    Case,
    CaseNumbering,
    CountChange,
    DailyCount,
    ReportCard,
)
from .screening.models import Exposure, Observation, Visit
from .sweeps.models import DoorVisit, Finding, Household, Sweep, SweepCell
from .testing.models import (
    CustodyStep,
    Pool,
    PoolResult,
    PoolStep,
    Result,
    Specimen,
    TubeNumbering,
)
from .warning.models import Alarm, DetectionRun, Investigation, Signal, WarningProduct

__all__ = [
    "Alarm",
    "Answer",
    "Arrival",
    "Asked",
    "Bulletin",
    "Case",
    "CaseNumbering",
    "Checkpoint",
    "CountChange",
    "CustodyStep",
    "DailyCount",
    "DailyReporting",
    "DetectionRun",
    "DoorVisit",
    "Exposure",
    "Finding",
    "Household",
    "Investigation",
    "Message",
    "NilReport",
    "Observation",
    "Passage",
    "Pool",
    "PoolResult",
    "PoolStep",
    "ReportCard",
    "Result",
    "RiskArea",
    "SentResult",
    "Signal",
    "Specimen",
    "Sweep",
    "SweepCell",
    "TubeNumbering",
    "Visit",
    "WarningProduct",
]
