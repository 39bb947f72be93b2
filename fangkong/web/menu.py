"""The menu by role: an entry is there when the user may open its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.accounts.emergency import queries as emergency
from fangkong.accounts.emergency.types import SIGN_OFF
from fangkong.accounts.emergency.types import USE as EMERGENCY
from fangkong.accounts.types import VIEW_STAFF
from fangkong.core.audit.types import SEE_TRAIL
from fangkong.core.notices import queries as notices
from fangkong.core.notices.types import MANAGE as SET_UP_NOTICES
from fangkong.core.permissions import Permission
from fangkong.core.purposes.types import SEE_PRIVACY
from fangkong.core.queue import queries as queue
from fangkong.core.queue.types import SEE_JOBS
from fangkong.core.watch.types import SEE_WATCH
from fangkong.core.webhooks.types import MANAGE as MANAGE_WEBHOOKS
from fangkong.people.duplicates import queries as duplicates
from fangkong.people.duplicates.types import JUDGE as JUDGE_DUPLICATES
from fangkong.people.requests import queries as requests
from fangkong.people.requests.types import RECEIVE as RECEIVE_REQUESTS
from fangkong.people.types import VIEW as VIEW_PEOPLE
from fangkong.supplies.allocation.queries import OVERSEE as OVERSEE_PLANS
from fangkong.supplies.allocation.queries import VIEW as VIEW_SHARES
from fangkong.supplies.daily.types import VIEW as VIEW_DAILY
from fangkong.supplies.demand.types import ASK as ASK_GOODS
from fangkong.supplies.demand.types import VIEW as VIEW_DEMAND
from fangkong.supplies.sources.types import PUBLISH as PUBLISH_GIFTS
from fangkong.supplies.sources.types import VIEW as VIEW_SOURCES
from fangkong.supplies.stock.types import KEEP as KEEP_STOCK
from fangkong.supplies.stock.types import VIEW as VIEW_STOCK
from fangkong.surveillance.arrivals import queries as arrivals
from fangkong.surveillance.arrivals.types import REGISTER as REGISTER_ARRIVALS
from fangkong.surveillance.arrivals.types import VIEW as VIEW_ARRIVALS
from fangkong.surveillance.bulletins import queries as bulletins
from fangkong.surveillance.bulletins.types import VIEW as VIEW_BULLETINS
from fangkong.surveillance.monitoring.types import IMPORT, REPORT
from fangkong.surveillance.monitoring.types import VIEW as VIEW_CASES
from fangkong.surveillance.screening.types import VIEW as VIEW_OBSERVATIONS
from fangkong.surveillance.screening.types import VISIT
from fangkong.surveillance.sweeps.types import VIEW as VIEW_SWEEPS
from fangkong.surveillance.testing.types import HANDLE as HANDLE_SPECIMENS
from fangkong.surveillance.testing.types import TEST as TEST_SPECIMENS
from fangkong.surveillance.testing.types import VIEW as VIEW_SPECIMENS
from fangkong.surveillance.warning import queries as warning
from fangkong.surveillance.warning.types import VIEW as VIEW_SIGNALS
from fangkong.tasks import queries as tasks
from fangkong.tasks.types import VIEW as VIEW_TASKS

from .types import SEE_COMMAND_SCREEN

if TYPE_CHECKING:
    from fangkong.accounts.models import User

Badge = Callable[["User", datetime], int]
BADGES_KEPT = 3600  # seconds; the script asks anew on every page


@dataclass(frozen=True)
class Item:
    label: str | Promise
    name: str
    url: str
    icon: str
    active: bool
    key: str
    badge: int | None  # None: this entry counts nothing


@dataclass(frozen=True)
class Group:
    label: str | Promise
    icon: str
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class _Entry:
    label: str | Promise
    name: str
    icon: str
    permission: Permission | None = None
    badge: Badge | None = None
    key: str = ""  # pressed after "g"


def _late_tasks(user: User, at: datetime) -> int:
    return tasks.counts(user, at).late


def _unread_notices(user: User, at: datetime) -> int:
    return notices.unread_count(user)


def _unchecked_uses(user: User, at: datetime) -> int:
    return emergency.unchecked(user, at)


def _waiting_requests(user: User, at: datetime) -> int:
    return requests.waiting_count(user, at)


def _waiting_pairs(user: User, at: datetime) -> int:
    return duplicates.waiting_count(user, at)


def _waiting_arrivals(user: User, at: datetime) -> int:
    return arrivals.waiting_count(user, at)


def _open_signals(user: User, at: datetime) -> int:
    return warning.open_count(user, at)


def _drafts_to_issue(user: User, at: datetime) -> int:
    return bulletins.waiting_to_issue(user, at)


def _failed_jobs(user: User, at: datetime) -> int:
    return queue.failed_count()


_MENU: list[tuple[str | Promise, str, list[_Entry]]] = [
    (
        _("Work"),
        "home",
        [
            _Entry(_("My desk"), "desk", "home", key="d"),
            _Entry(_("My notices"), "core:notices:index", "bell", None, _unread_notices, key="b"),
            _Entry(
                _("Command screen"), "command_screen", "device-desktop", SEE_COMMAND_SCREEN, key="m"
            ),
            _Entry(_("Tasks"), "tasks:index", "checklist", VIEW_TASKS, _late_tasks, key="t"),
        ],
    ),
    (
        _("Surveillance"),
        "activity",
        [
            _Entry(
                _("Cases"), "surveillance:monitoring:index", "clipboard-list", VIEW_CASES, key="c"
            ),
            _Entry(
                _("New report card"), "surveillance:monitoring:report", "file-plus", REPORT, key="n"
            ),
            _Entry(_("Import cards"), "surveillance:monitoring:imports", "upload", IMPORT),
            _Entry(_("Counts"), "surveillance:monitoring:counts", "chart-bar", VIEW_CASES, key="s"),
            _Entry(
                _("Bulletins"),
                "surveillance:bulletins:index",
                "news",
                VIEW_BULLETINS,
                _drafts_to_issue,
            ),
            _Entry(
                _("Daily reporting"),
                "surveillance:bulletins:daily",
                "calendar-time",
                VIEW_BULLETINS,
            ),
            _Entry(_("Card quality"), "surveillance:quality:index", "clipboard-check", VIEW_CASES),
            _Entry(
                _("Persons under observation"),
                "surveillance:screening:index",
                "users-group",
                VIEW_OBSERVATIONS,
            ),
            _Entry(
                _("Arrivals"),
                "surveillance:arrivals:index",
                "truck",
                VIEW_ARRIVALS,
                _waiting_arrivals,
            ),
            _Entry(_("Register an arrival"), "surveillance:arrivals:find", "id", REGISTER_ARRIVALS),
            _Entry(_("Sweeps"), "surveillance:sweeps:index", "building-community", VIEW_SWEEPS),
            _Entry(_("Visits of the day"), "surveillance:screening:today", "map-pin", VISIT),
            _Entry(
                _("Specimens"), "surveillance:testing:index", "test-pipe", VIEW_SPECIMENS, key="e"
            ),
            _Entry(_("Scan tubes"), "surveillance:testing:scan", "barcode", HANDLE_SPECIMENS),
            _Entry(
                _("Laboratory board"), "surveillance:testing:board", "microscope", VIEW_SPECIMENS
            ),
            _Entry(_("Results sent"), "surveillance:exchange:index", "upload", TEST_SPECIMENS),
            _Entry(
                _("Warnings"),
                "surveillance:warning:index",
                "alert-triangle",
                VIEW_SIGNALS,
                _open_signals,
                key="w",
            ),
        ],
    ),
    (
        _("Supplies"),
        "package",
        [
            _Entry(_("Stock"), "supplies:stock:index", "package", VIEW_STOCK, key="k"),
            _Entry(_("Receive goods"), "supplies:stock:receive", "package-import", KEEP_STOCK),
            _Entry(_("Issue goods"), "supplies:stock:issue", "package-export", KEEP_STOCK),
            _Entry(_("Scan goods"), "supplies:stock:scan", "barcode", VIEW_STOCK),
            _Entry(_("Lots and places"), "supplies:stock:holdings", "list", VIEW_STOCK),
            _Entry(_("Sheets of the ledger"), "supplies:stock:entries", "receipt", VIEW_STOCK),
            _Entry(_("Emergency releases"), "supplies:stock:releases", "urgent", VIEW_STOCK),
            _Entry(_("Shipments"), "supplies:stock:shipments", "truck-delivery", VIEW_STOCK),
            _Entry(_("Stocktakes"), "supplies:stock:counts", "clipboard-check", VIEW_STOCK),
            _Entry(_("Places of stock"), "supplies:stock:places", "building-warehouse", VIEW_STOCK),
            _Entry(_("Daily stock reports"), "supplies:daily:index", "calendar-stats", VIEW_DAILY),
            _Entry(_("Codes of packages"), "supplies:stock:codes", "barcode", VIEW_STOCK),
            _Entry(_("Days of cover"), "supplies:demand:index", "clock", VIEW_DEMAND),
            _Entry(_("Needs"), "supplies:demand:needs", "list", VIEW_DEMAND),
            _Entry(_("Ask for goods"), "supplies:demand:ask", "plus", ASK_GOODS),
            _Entry(_("Plans of allocation"), "supplies:allocation:index", "scale", OVERSEE_PLANS),
            _Entry(_("What was given"), "supplies:allocation:given", "truck", VIEW_SHARES),
            _Entry(
                _("Sources of supplies"), "supplies:sources:index", "truck-delivery", VIEW_SOURCES
            ),
            _Entry(_("Compare offers"), "supplies:sources:compared", "chart-bar", VIEW_SOURCES),
            _Entry(_("Reports on gifts"), "supplies:sources:reports", "gift", PUBLISH_GIFTS),
        ],
    ),
    (
        _("Registers"),
        "database",
        [
            _Entry(_("Persons"), "people:index", "users", VIEW_PEOPLE, key="p"),
            _Entry(
                _("Persons entered twice"),
                "people:duplicates:index",
                "users",
                JUDGE_DUPLICATES,
                _waiting_pairs,
            ),
            _Entry(
                _("Requests of persons"),
                "people:requests:index",
                "file-check",
                RECEIVE_REQUESTS,
                _waiting_requests,
            ),
            _Entry(_("Emergency access"), "accounts:emergency:index", "alert-triangle", EMERGENCY),
            _Entry(_("Areas"), "places:index", "map", None, key="a"),
            _Entry(_("Facilities"), "places:facilities", "building-hospital", None, key="f"),
            _Entry(_("Rule packs"), "packs", "book", None),
        ],
    ),
    (
        _("Administration"),
        "settings",
        [
            _Entry(_("Staff"), "accounts:index", "user", VIEW_STAFF),
            _Entry(_("Tokens for programs"), "tokens", "key", None),
            _Entry(_("Roles and permissions"), "accounts:roles", "shield", None),
            _Entry(
                _("Uses of emergency access"),
                "accounts:emergency:uses",
                "alert-triangle",
                SIGN_OFF,
                _unchecked_uses,
            ),
            _Entry(_("Audit trail"), "audit", "history", SEE_TRAIL),
            _Entry(_("Privacy"), "privacy", "lock", SEE_PRIVACY),
            _Entry(_("Full data shown"), "people:reveals", "eye", SEE_TRAIL),
            _Entry(_("Ways out for notices"), "core:notices:channels", "send", SET_UP_NOTICES),
            _Entry(_("Webhooks"), "core:webhooks:index", "webhook", MANAGE_WEBHOOKS),
            _Entry(_("Background jobs"), "jobs", "clock", SEE_JOBS, _failed_jobs),
            _Entry(_("State of the system"), "doctor", "server-cog", SEE_WATCH),
        ],
    ),
]


def of(request: HttpRequest, user: User, at: datetime) -> list[Group]:
    """The groups that hold at least one page open to the user; the deepest match is active.

    The numbers beside the entries are those counted last: see ``badges``.
    """
    groups = []
    urls = _urls()
    here = max((url for url in urls.values() if request.path.startswith(url)), key=len, default="")
    counted = counted_badges(user)
    for label, icon, entries in _MENU:
        items = [
            Item(
                entry.label,
                entry.name,
                urls[entry.name],
                entry.icon,
                urls[entry.name] == here,
                entry.key,
                counted.get(entry.name, 0) if entry.badge else None,
            )
            for entry in entries
            if _open(entry, user, at)
        ]
        if items:
            groups.append(Group(label, icon, items))
    return groups


def pages_of(user: User, at: datetime) -> list[tuple[str | Promise, str]]:
    """The label and the address of each page of this user's menu."""
    urls = _urls()
    return [
        (entry.label, urls[entry.name])
        for _label, _icon, entries in _MENU
        for entry in entries
        if _open(entry, user, at)
    ]


def badges(user: User, at: datetime) -> dict[str, int]:
    """What waits behind each entry, counted now and kept for the pages that follow.

    Counting costs statements, so no page does it while it is drawn: a script of the shell asks for
    the numbers when those shown are old (``web.badges``).
    """
    found = {
        entry.name: entry.badge(user, at)
        for _label, _icon, entries in _MENU
        for entry in entries
        if entry.badge and _open(entry, user, at)
    }
    cache.set(_key(user), found, BADGES_KEPT)
    return found


def counted_badges(user: User) -> dict[str, int]:
    """The numbers counted last for this user; none where that is long ago."""
    found: dict[str, int] = cache.get(_key(user), {})
    return found


def _key(user: User) -> str:
    return f"web.badges:{user.pk}"


def _open(entry: _Entry, user: User, at: datetime) -> bool:
    return entry.permission is None or bool(user.scope(entry.permission, at))


def _urls() -> dict[str, str]:
    return _urls_below(get_script_prefix())


@lru_cache(maxsize=4)
def _urls_below(prefix: str) -> dict[str, str]:
    """Every page is found anew by ``reverse`` otherwise, on every page."""
    return {entry.name: reverse(entry.name) for _label, _icon, rows in _MENU for entry in rows}
