"""Every page that there is, read from the table of access: who opens it, and at which address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from fangkong.core.roles import Role
from tests.scope.addresses import Address, addresses
from tests.scope.table import EVERYBODY, STAFF, TABLE, Row

# The demonstration's accounts, those first who see most of Daofu.
STAFF_OF = {
    "daofu": Role.COUNTY_CDC,
    "hq": Role.HEADQUARTERS,
    "hospital": Role.HOSPITAL,
    "ward": Role.WARD_STAFF,
    "lab": Role.LABORATORY,
    "gate": Role.FIELD_WORKER,
    "store": Role.STORE_KEEPER,
    "auditor": Role.AUDITOR,
    "admin": Role.ADMINISTRATOR,
}
NOBODYS = "01900000-0000-7000-8000-000000000000"
# Pages whose row names no record, or which look different from record to record.
RECORDS = {
    "surveillance:bulletins:detail": ("bulletin", "issued bulletin"),
    "accounts:emergency:check": ("use",),
    "core:notices:channel": ("channel",),
    "core:webhooks:detail": ("webhook",),
    "tasks:detail": ("long task",),
    "people:duplicates:detail": ("pair", "pair apart"),
    "people:remove_number": ("person of a number",),
    "surveillance:testing:fill": ("open pool",),
    "surveillance:testing:pool": ("pool", "open pool"),
    "surveillance:testing:correct_pool": ("pool",),
    "surveillance:screening:correct_visit": ("observation",),
    "surveillance:sweeps:door": ("sweep",),
    "surveillance:sweeps:doors": ("sweep",),
    "surveillance:sweeps:ill": ("sweep",),
    "surveillance:monitoring:import_detail": ("import ready", "import done"),
    "surveillance:monitoring:import_columns": ("import matching",),
    "surveillance:screening:import_detail": ("contacts file",),
    "surveillance:screening:import_columns": ("contacts file",),
}
# What a browser keeps as a file, or what is a piece or the end of another page.
NO_PAGES = {
    "account_logout": "signs the visitor out before the pages that follow",
    "mfa_authenticate": "only between password and code: test_sign_in",
    "mfa_edit_webauthn": "only of a passkey that is there: test_sign_in",
    "mfa_remove_webauthn": "only of a passkey that is there: test_sign_in",
    "single_sign_on_back": "only on the way back from an identity provider",
    "core:files:detail": "a file",
    "surveillance:arrivals:figures_csv": "a file",
    "surveillance:warning:cap": "a file",
    "surveillance:screening:chain_csv": "a file",
    "surveillance:sweeps:coverage_csv": "a file",
    "surveillance:testing:print_labels": "a file",
    "supplies:stock:lot_labels": "a file",
    "supplies:stock:place_labels": "a file",
    "supplies:sources:report_xlsx": "a file",
    "surveillance:testing:label": "a file",
    "surveillance:testing:pool_label": "a file",
    "surveillance:screening:chain_svg": "a file",
    "people:search": "answers a search; its empty form is the list of persons",
}


@dataclass(frozen=True)
class Place:
    """One page to look at. ``press``: a button that is pressed when the page stands."""

    username: str
    path: str
    name: str
    status: int = 200
    press: str = ""


def pages(records: Mapping[str, str]) -> list[Place]:
    """All pages, each once; those of one visitor follow each other."""
    found = [*_from_the_table(records), *_more(records)]
    return sorted(found, key=lambda place: place.username)


def _from_the_table(records: Mapping[str, str]) -> Iterator[Place]:
    for address in addresses():
        row = TABLE[address.key]
        if address.is_api or not (row.gets and row.who) or address.key in NO_PAGES:
            continue
        kinds = RECORDS.get(address.key) or (row.record,)
        if row.lacks and address.key not in RECORDS:
            continue
        for kind in kinds:
            path = address.path(_values(address, row, kind, records))
            name = address.key + (f" of {kind}" if len(kinds) > 1 else "")
            yield Place(_visitor(row), f"{path}?{row.query}" if row.query else path, name)


def _values(address: Address, row: Row, kind: str, records: Mapping[str, str]) -> dict[str, str]:
    record = records.get(kind) or records.get(f"{kind} ready", "")
    if kind and not record:
        raise LookupError(f"tests/journeys/furnish.py makes no {kind} for {address.key}")
    parts = {"cell_id": records["cell"], "door_id": records["household"]}
    given = {
        "contact_id": records["contact"],
        "appointment_id": records["appointment"],
        **row.values,
        **({"visit_id": records["visit"]} if kind == "observation" else {}),
        **(parts if kind == "sweep" else {}),
        **({"line": records["line"]} if kind == "plan" else {}),
        **({"number_id": records["number"]} if kind == "person of a number" else {}),
        **({"public_id": record} if record else {}),
    }
    return {name: given.get(name, NOBODYS) for name in address.parameters}


def _visitor(row: Row) -> str:
    if row.who == EVERYBODY:
        return ""
    if row.who == STAFF and row.mine is None:
        return "daofu"
    open_to = row.mine if row.mine is not None and row.who == STAFF else row.who
    for username, role in STAFF_OF.items():
        within = not row.whole or username != "daofu"
        if role in open_to and within and (row.mine is None or role in row.mine):
            return username
    raise LookupError(f"no account of the demonstration opens this: {row}")


def _more(records: Mapping[str, str]) -> Iterator[Place]:
    """The same pages for others and in other states: empty, faulty, refused."""
    for username in ("hq", "auditor", "admin", "ward", "editor"):
        yield Place(username, "/", f"desk of {username}")
    yield Place("hq", "/people/", "people:index of the prefecture")
    yield Place("hq", "/surveillance/monitoring/counts/?condition=covid-19", "counts of a disease")
    judged = "condition=covid-19&first=2020-02-01&last=2020-02-04"
    yield Place("hq", f"/surveillance/warning/replay/?{judged}", "days judged again")
    yield Place("daofu", "/tasks/?state=cancelled", "tasks:index filtered to nothing")
    yield Place("kangding", "/surveillance/monitoring/import/", "imports: none yet")
    yield Place("editor", "/core/notices/", "notices: none yet")
    for name, path in {
        "report": "/surveillance/monitoring/report/",
        "task": "/tasks/new/",
        "import": "/surveillance/monitoring/import/",
    }.items():
        button = "main form.card button[type=submit]"
        yield Place("daofu", path, f"{name} with nothing filled in", press=button)
    yield Place("ward", "/accounts/emergency/", "emergency refused", press="form.card .btn-danger")
    yield Place("", "/accounts/login/", "sign-in refused", press="form.card-body .btn-primary")
    yield Place("daofu", f"/people/{records['person']}/", "reveal", press="[data-dialog=reveal]")
    yield Place("daofu", "/tasks/", "palette", press="[data-palette]")
    yield Place("daofu", "/jobs/", "403", status=403)
    yield Place("daofu", f"/surveillance/monitoring/{NOBODYS}/", "404", status=404)
    for who in ("somebody", "nobody"):
        word = quote(records[f"word of {who}"])
        path = f"/surveillance/arrivals/register/ask/?who={word}"
        yield Place("gate", path, f"questions to {who}")
        yield Place(
            "gate", path, f"questions to {who} left open", press=".fk-page-form [type=submit]"
        )
    yield Place("", "/nothing-here/", "404 of a visitor", status=404)
