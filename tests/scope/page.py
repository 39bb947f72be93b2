"""``docs/access.md``: the table of access as a page for those who run and audit an installation.

``make access`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from fangkong.core.roles import Role

from .table import (
    ACCOUNTS,
    ALLOCATION,
    ARRIVALS,
    BULLETINS,
    DAILY,
    DEMAND,
    EVERYBODY,
    FILES,
    MACHINES,
    MONITORING,
    NOTICES,
    PEOPLE,
    PLACES,
    SCREENING,
    SIGNING_IN,
    SOURCES,
    STAFF,
    STOCK,
    SWEEPS,
    TASKS,
    TESTING,
    WARNING,
    WEB,
    WEBHOOKS,
    Row,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
PARTS = {
    "Signing in": SIGNING_IN,
    "Places": PLACES,
    "Staff": ACCOUNTS,
    "Persons": PEOPLE,
    "Tasks": TASKS,
    "Files": FILES,
    "Monitoring": MONITORING,
    "Screening": SCREENING,
    "Arrivals": ARRIVALS,
    "Sweeps": SWEEPS,
    "Bulletins": BULLETINS,
    "Testing": TESTING,
    "Warning": WARNING,
    "Allocation": ALLOCATION,
    "Daily stock reports": DAILY,
    "Demand": DEMAND,
    "Stock": STOCK,
    "Sources": SOURCES,
    "Machines": MACHINES,
    "Webhooks": WEBHOOKS,
    "Notices": NOTICES,
    "The shell": WEB,
}
SHORT = {
    Role.HEADQUARTERS: "HQ",
    Role.COUNTY_CDC: "CDC",
    Role.HOSPITAL: "Hosp",
    Role.WARD_STAFF: "Ward",
    Role.LABORATORY: "Lab",
    Role.FIELD_WORKER: "Field",
    Role.STORE_KEEPER: "Store",
    Role.INSPECTOR: "Insp",
    Role.HR_FINANCE: "HR",
    Role.EDITOR: "Editor",
    Role.AUDITOR: "Audit",
    Role.ADMINISTRATOR: "Admin",
    Role.SECURITY: "Sec",
}


def cell(row: Row, role: Role) -> str:
    """What a role meets: all of it, its own county's, an empty place, or a refusal."""
    if isinstance(row.who, str):
        return "●" if row.mine is None or role in row.mine else "–"
    if role not in row.who:
        return ""
    if row.mine is not None and role not in row.mine:
        return "–"
    return "○" if (row.record or row.shows or row.foreign) and not row.house else "●"


def page() -> str:
    """The whole page in Markdown."""
    lines = [
        "# Who may open what",
        "",
        "Drawn by `make access` from the table in `tests/scope`, which asks every address of the",
        "house as every role, from inside and outside a county, as somebody without a role and",
        "as a visitor. An address without a row fails the tests.",
        "",
        "● all · ○ of the own area or facility (others: not found) · – finds nothing there yet ·",
        "empty: refused. *Everybody* needs no account, *staff* any account.",
    ]
    for title, rows in PARTS.items():
        lines += ["", f"## {title}", ""]
        lines.append("| address | leads to | " + " | ".join(SHORT.values()) + " |")
        lines.append("|---|---|" + "---|" * len(SHORT))
        for key, row in rows.items():
            leads = row.record or {EVERYBODY: "*everybody*", STAFF: "*staff*"}.get(str(row.who), "")
            cells = " | ".join(cell(row, role) for role in SHORT)
            lines.append(f"| `{key}` | {leads} | {cells} |")
    return "\n".join(lines) + "\n"
