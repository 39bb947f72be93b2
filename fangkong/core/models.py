"""The tables of core, re-exported so that the room keeps one migration history."""

from .audit.models import AuditLine, Finding, Review, RowChange, Seal, Sight
from .commands.models import Command
from .editions.models import Edition
from .files.models import StoredFile
from .imports.models import ColumnChoice, ImportChunk, ImportRun
from .notices.models import Channel, Following, Message, Notice, Quiet
from .pages.models import SavedView
from .purposes.models import Assessment
from .queue.models import Job, Tick
from .sealing.models import SealingKey
from .tokens.models import Token
from .webhooks.models import Delivery, Receiver

__all__ = [
    "Assessment",
    "AuditLine",
    "Channel",
    "ColumnChoice",
    "Command",
    "Delivery",
    "Edition",
    "Finding",
    "Following",
    "ImportChunk",
    "ImportRun",
    "Job",
    "Message",
    "Notice",
    "Quiet",
    "Receiver",
    "Review",
    "RowChange",
    "SavedView",
    "Seal",
    "SealingKey",
    "Sight",
    "StoredFile",
    "Tick",
    "Token",
]
