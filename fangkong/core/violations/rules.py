"""What a browser's report of a breach of the policy may tell us: which rule, on which page."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

MOST_REPORTS = 20  # of one request
_WORDS = {"inline", "eval", "self", "data", "blob", "wasm-eval"}
_WORDS |= {"trusted-types-policy", "trusted-types-sink"}


@dataclass(frozen=True)
class Breach:
    """Which rule was broken by what kind of thing. The path is only used to find the view."""

    directive: str
    blocked: str
    path: str


def read(body: bytes) -> list[Breach]:
    """The breaches in a report of either format (report-to, report-uri); [] where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return []
    reports = found if isinstance(found, list) else [found]
    return [breach for one in reports[:MOST_REPORTS] if (breach := _breach(one)) is not None]


def _breach(report: object) -> Breach | None:
    if not isinstance(report, dict):
        return None
    facts = report.get("body") or report.get("csp-report")
    if not isinstance(facts, dict):
        return None
    directive = facts.get("effectiveDirective") or facts.get("violated-directive") or ""
    blocked = facts.get("blockedURL") or facts.get("blocked-uri") or ""
    page = facts.get("documentURL") or facts.get("document-uri") or ""
    texts = [directive, blocked, page]
    if not all(isinstance(text, str) for text in texts) or not directive:
        return None
    name = re.match(r"[a-z-]{1,40}", directive)
    return Breach(name[0] if name else "unknown", _kind(blocked), _path(page))


def _kind(blocked: str) -> str:
    """The blocked thing without what an address could tell of a person: its word or its scheme."""
    if blocked in _WORDS:
        return blocked
    try:
        scheme = urlsplit(blocked).scheme
    except ValueError:
        return "other"
    return scheme if re.fullmatch(r"[a-z][a-z-]{0,15}", scheme) else "other"


def _path(page: str) -> str:
    try:
        return urlsplit(page).path[:300]
    except ValueError:
        return ""
