"""What the import linter cannot see: keys that point down, doors, verbs, names, privacy, access.

Each rule stands in docs/decisions. An exception is written here with its reason, or it is none.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as field_of
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import Field, Model
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from ninja import Schema
from ninja.operation import PathView

from fangkong.core.dossier import queries as dossier
from fangkong.core.privacy import Personal, Retention
from fangkong.core.purposes import types as purposes
from fangkong.people.duplicates import queries as joined
from fangkong.people.duplicates import types as duplicates

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ROOT / "fangkong"

# Lowest first. Rooms of one step may not know each other.
STEPS = [
    ["packs"],
    ["core"],
    ["places"],
    ["accounts"],
    ["people"],
    ["tasks"],
    ["surveillance", "supplies"],
    ["isolation", "workforce"],
    ["command"],
    ["publicity", "calls"],
    ["web"],
]
STEP = {room: number for number, rooms in enumerate(STEPS) for room in rooms}
DOORS = {"actions", "queries", "rules", "types"}
TOOLKIT = {
    "api", "append_only", "audit", "backup", "bodies", "bulk", "clock", "commands", "files",
    "finders", "dossier",
    "editions", "free_text", "imports", "known", "logs", "messages", "middleware",
    "notices", "origin", "outbound", "pages", "permissions",
    "printing", "privacy", "problems", "purposes", "queue", "record", "refusals", "request_id",
    "retention", "richtext",
    "roles", "sealing", "sentences", "shared", "slots", "spelling", "tokens", "watch", "webhooks",
    "walls",
}  # fmt: skip


# --- Reading the sources --------------------------------------------------------------------------


def sources(*parts: str) -> list[Path]:
    """Our modules, without tests and what packages bring."""
    skipped = {"tests", "node_modules", "ui", "static", "__pycache__"}
    return [
        path
        for path in sorted(PRODUCT.glob("**/*.py"))
        if not skipped & set(path.relative_to(PRODUCT).parts)
        and path.name != "conftest.py"
        and (not parts or path.name in parts)
    ]


def room_of(path: Path) -> str:
    return path.relative_to(PRODUCT).parts[0]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each thing of ours that is imported when the module runs."""
    package = ["fangkong", *path.relative_to(PRODUCT).parts[:-1]]

    def walk(node: ast.AST) -> Iterator[tuple[int, str]]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for other in node.orelse:
                yield from walk(other)
            return
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    return ((line, name) for line, name in walk(tree(path)) if name.startswith("fangkong."))


def is_module(dotted: str) -> bool:
    place = ROOT.joinpath(*dotted.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def module_of(dotted: str) -> str:
    """The module that an import names: fangkong.tasks.types.words -> fangkong.tasks.types."""
    while not is_module(dotted):
        dotted = dotted.rpartition(".")[0]
    return dotted


# --- Keys point down ------------------------------------------------------------------------------


def our_models() -> list[type[Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("fangkong.")]


def room_of_model(model: type[Model]) -> str:
    return model.__module__.split(".")[1]


def keys() -> list[Field[Any, Any]]:
    return [
        one
        for model in our_models()
        for one in [*model._meta.fields, *model._meta.many_to_many]
        if one.is_relation and one.related_model.__module__.startswith("fangkong.")
    ]


def key_name(key: Field[Any, Any]) -> str:
    return f"{key.model._meta.label}.{key.name}"


def is_staff_user(model: type[Model]) -> bool:
    return model._meta.label == settings.AUTH_USER_MODEL


def test_every_room_has_its_step():
    rooms = {room_of_model(model) for model in our_models()}

    assert rooms <= set(STEP)
    assert len(keys()) > 20


def test_foreign_keys_point_down_or_stay_in_their_room():
    wrong = [
        key_name(key)
        for key in keys()
        if not is_staff_user(key.related_model)
        and room_of_model(key.related_model) != room_of_model(key.model)
        and STEP[room_of_model(key.related_model)] >= STEP[room_of_model(key.model)]
    ]

    assert wrong == []


def test_a_room_below_never_hears_of_the_rooms_above():
    """A key into another room has no name on the other side."""
    wrong = [
        key_name(key)
        for key in keys()
        if room_of_model(key.related_model) != room_of_model(key.model)
        and key.remote_field.related_name != "+"
    ]

    assert wrong == []


def test_nothing_of_ours_is_deleted_along_with_something_else():
    wrong = [
        key_name(key)
        for key in keys()
        if not key.many_to_many
        and room_of_model(key.related_model) != room_of_model(key.model)
        and key.remote_field.on_delete.__name__ != "PROTECT"
    ]

    assert wrong == []


def answers_for(key: str) -> str:
    """What a room says of a key to a person, or what is missing."""
    follows = {one.key: one for one in duplicates.followers()}
    if key in duplicates.remaining():
        return "" if key not in follows else "says both that its rows follow and that they remain"
    if key not in follows:
        return "says not whether its rows follow"
    if getattr(apps.get_model(follows[key].table), "append_only", False):
        return "cannot follow: its table is only ever added to"
    return ""


def test_every_key_to_a_person_says_how_its_rows_follow_when_two_records_are_joined():
    """By ``people.duplicates.types.follow`` or ``remains``, in the ``apps.py`` of the room."""
    there = joined.keys_to_persons()
    said = {one.key for one in duplicates.followers()} | set(duplicates.remaining())

    assert {"people.Phone.person", "surveillance.Case.person"} <= set(there)
    assert {key: wrong for key in there if (wrong := answers_for(key))} == {}
    assert said - set(there) == set()  # no answer outlives its key


def test_a_key_that_nobody_answers_for_is_found():
    assert answers_for("surveillance.Visit.person") == "says not whether its rows follow"


# --- Doors ----------------------------------------------------------------------------------------

# module -> what it imports of another room beside its doors, and why.
OTHER_DOORS: dict[tuple[str, str], str] = {
    (
        "fangkong/config/signing_in.py",
        "fangkong.accounts.single_sign_on",
    ): "its two pages stand beside allauth's",
    (
        "fangkong/config/first_start.py",
        "fangkong.web.setup.door",
    ): "opens the door of the process that it serves",
    ("fangkong/config/setup_urls.py", "fangkong.web.setup.views"): "its page stands at the root",
    ("fangkong/config/cli.py", "fangkong.supplies.allocation.command"): "a command without Django",
    ("fangkong/web/demo/pools.py", "fangkong.surveillance.testing.pools"): "verbs of pools",
    ("fangkong/web/demo/supplies.py", "fangkong.supplies.stock.closing"): "verbs of months",
    ("fangkong/web/demo/supplies.py", "fangkong.supplies.stock.counting"): "verbs of stocktakes",
    ("fangkong/web/demo/supplies.py", "fangkong.supplies.stock.releasing"): "verbs of releases",
    ("fangkong/web/demo/supplies.py", "fangkong.supplies.stock.scanning"): "verbs of scanning",
    ("fangkong/web/demo/supplies.py", "fangkong.supplies.stock.shipping"): "verbs of shipments",
    ("fangkong/web/queue/views.py", "fangkong.core.queue.models"): "names the type of its rows",
    ("fangkong/web/trail/views.py", "fangkong.core.audit.models"): "names the type of its rows",
    ("fangkong/web/trail/sight_views.py", "fangkong.core.audit.models"): "names the type",
    ("fangkong/web/trail/review_views.py", "fangkong.core.audit.models"): "names the type",
    ("fangkong/web/trail/describe.py", "fangkong.core.audit.models"): "names the type",
}


def goes_through_a_door(path: Path, dotted: str) -> bool:
    room, target = room_of(path), dotted.split(".")[1]
    if target in (room, "__version__") or (room == "config" and target == "core"):
        return True
    if target == "config":  # not a room: the list of rooms, and what stops a command
        return room == "web"
    names = module_of(dotted).split(".")[2:]
    if target == "core":
        return bool(names) and (names[0] in TOOLKIT) and "models" not in names
    return bool(names) and names[-1] in DOORS


def test_rooms_meet_only_at_their_doors():
    wrong = [
        f"{name_of(path)}:{line} {dotted}"
        for path in sources()
        if "management" not in path.parts
        for line, dotted in imports(path)
        if not goes_through_a_door(path, dotted)
        and (name_of(path), module_of(dotted)) not in OTHER_DOORS
    ]

    assert wrong == []


def test_the_reading_of_imports_sees_relative_ones_and_leaves_out_types(tmp_path):
    found = {dotted for _line, dotted in imports(PRODUCT / "accounts" / "actions.py")}

    assert "fangkong.accounts.models.User" in found
    assert "fangkong.core.audit.actions" in found
    assert "fangkong.places.models.Area" not in found  # only for the type checker


@pytest.mark.parametrize(
    ("dotted", "right"),
    [
        ("fangkong.accounts.queries", True),
        ("fangkong.accounts.types.StaffRequest", True),
        ("fangkong.surveillance.monitoring.types.VIEW", True),
        ("fangkong.core.pages", True),
        ("fangkong.core.audit.actions", True),
        ("fangkong.accounts.models.User", False),
        ("fangkong.surveillance.models", False),
        ("fangkong.surveillance.monitoring.cards", False),
        ("fangkong.core.queue.models.Job", False),
        ("fangkong.core.templatetags.kit", False),
        ("fangkong.packs.reader", False),
        ("fangkong.config.settings", False),
    ],
)
def test_a_table_or_an_inner_module_is_no_door(dotted, right):
    assert goes_through_a_door(PRODUCT / "tasks" / "views.py", dotted) is right


# --- One way out ----------------------------------------------------------------------------------

# What opens a connection by itself, and why it may stand beside core/outbound.py.
CLIENTS = {
    "aiohttp", "ftplib", "http", "httpcore", "httpx", "imaplib", "poplib", "requests", "smtplib",
    "socket", "telnetlib", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc",
}  # fmt: skip
OTHER_CLIENTS = {
    "fangkong/core/outbound.py": "it is the way out",
    "fangkong/core/files/scanning.py": "asks the operator's virus scanner, in its own protocol",
    "fangkong/core/watch/remote.py": "asks the own mail server and the own address how they are",
    "fangkong/accounts/single_sign_on.py": "asks the operator's own identity provider",
    "fangkong/config/doorway.py": "ends connections that others have opened",
    "fangkong/config/serve.py": "listens, and looks whether a port is free",
}


def test_every_request_leaves_through_the_guard():
    wrong = []
    for path in sources():
        for node in ast.walk(tree(path)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
            if any(name == one or name.startswith(f"{one}.") for name in names for one in CLIENTS):
                wrong.append(name_of(path))

    assert set(wrong) == set(OTHER_CLIENTS)


# --- Views translate ------------------------------------------------------------------------------

# (file, call) -> why a page calls this itself.
CALLED_BY_PAGES: dict[tuple[str, str], str] = {
    ("fangkong/surveillance/arrivals/views.py", "actions.put"): (
        "a note of what the page shows, as a sight is; the same page again counts once"
    ),
}


def pages() -> list[Path]:
    return [
        path
        for path in sources()
        if path.name in ("views.py", "api.py") or path.name.endswith(("_views.py", "_api.py"))
        if room_of(path) not in ("core", "config")
    ]


def test_pages_never_reach_into_a_table():
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in pages()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in ("objects", "_base_manager")
    ]

    assert wrong == []


def actions_known_to(path: Path) -> dict[str, str]:
    """Local names of action modules, and of functions taken out of them."""
    known = {}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                local = alias.asname or alias.name
                if alias.name == "actions":
                    known[local] = "module"
                elif (node.module or "").split(".")[-1] == "actions" and alias.name.islower():
                    known[local] = "function"
    known.pop("once", None)  # the way through which actions are called
    return known


# View -> why its form on one record carries no state of it.
_ADDS, _STATE = "adds a row", "the action refuses a moved state"
FORMS_WITHOUT_A_STATE = {
    "fangkong/places/views.py:add_contact": _ADDS,
    "fangkong/accounts/views.py:appoint": _ADDS,
    "fangkong/people/duplicates/views.py:merge": "names the state of both records",
    "fangkong/people/duplicates/views.py:keep_apart": "names the state of both records",
    "fangkong/people/duplicates/views.py:reconsider": _STATE,
    "fangkong/people/duplicates/views.py:undo": _STATE,
    "fangkong/people/requests/views.py:new": _ADDS,
    "fangkong/people/views.py:reveal": "shows, and changes nothing",
    "fangkong/surveillance/arrivals/views.py:reveal": "shows, and changes nothing",
    "fangkong/people/views.py:_add": _ADDS,
    "fangkong/people/views.py:remove_number": _STATE,
    "fangkong/accounts/views.py:end": "a role's end is only ever brought forward",
    "fangkong/accounts/views.py:password": "a new password replaces any other; that is its use",
    "fangkong/accounts/emergency/views.py:check": _STATE,
    "fangkong/people/requests/views.py:decide": _STATE,
    "fangkong/people/requests/views.py:lift": _STATE,
    "fangkong/supplies/allocation/views.py:drop": _STATE,
    "fangkong/supplies/daily/views.py:file": "names the figures that were read",
    "fangkong/supplies/demand/views.py:_ask": "a need that has moved on is refused; else adds one",
    "fangkong/supplies/demand/views.py:withdraw": _STATE,
    "fangkong/supplies/stock/count_views.py:enter": "names the ledger that was read",
    "fangkong/supplies/stock/count_views.py:find": _ADDS,
    "fangkong/supplies/stock/release_views.py:file_paper": "a paper that is there stays",
    "fangkong/supplies/stock/release_views.py:close_month": _STATE,
    "fangkong/supplies/stock/ship_views.py:dispatch": _STATE,
    "fangkong/supplies/stock/ship_views.py:arrive": _STATE,
    "fangkong/supplies/stock/ship_views.py:settle": _STATE,
    "fangkong/supplies/stock/views.py:close_place": _STATE,
    "fangkong/supplies/stock/views.py:reverse_entry": _STATE,
    "fangkong/supplies/stock/views.py:lose": _ADDS,
    "fangkong/supplies/stock/step_views.py:with_reason": _STATE,
    "fangkong/surveillance/arrivals/views.py:close": _STATE,
    "fangkong/surveillance/sweeps/views.py:end": _STATE,
    "fangkong/surveillance/sweeps/views.py:doors": _ADDS,
    "fangkong/surveillance/sweeps/views.py:door": "the last word of a day counts, as at a door",
    "fangkong/surveillance/sweeps/views.py:ill": _ADDS,
    "fangkong/surveillance/sweeps/views.py:remove": _STATE,
    "fangkong/surveillance/screening/views.py:contacts": _ADDS,
    "fangkong/surveillance/screening/views.py:visit": _ADDS,
    "fangkong/surveillance/screening/views.py:judge_anew": "judges by what the rows say then",
    "fangkong/surveillance/monitoring/views.py:accept": "names the card that was seen",
    "fangkong/surveillance/monitoring/views.py:send_back": "names the card that was seen",
    "fangkong/surveillance/exchange/views.py:match": _STATE,
    "fangkong/surveillance/exchange/views.py:set_aside": _STATE,
    "fangkong/surveillance/testing/pool_views.py:next_pool": _ADDS,
    "fangkong/surveillance/testing/pool_views.py:take_out": _STATE,
    "fangkong/surveillance/testing/pool_views.py:release": _STATE,
    "fangkong/tasks/views.py:finish": _STATE,
    "fangkong/tasks/views.py:cancel": _STATE,
    "fangkong/core/imports/views.py:match": "checks the rows anew; nothing is entered by it",
    "fangkong/web/trail/review_views.py:settle": _STATE,
    "fangkong/surveillance/testing/views.py:withdraw": "names the result, which must be the newest",
}


def forms_on_a_record(path: Path) -> Iterator[tuple[str, bool]]:
    """Each view that takes a form for one record or for one's own, and whether it ties them."""
    for view in tree(path).body:
        if not isinstance(view, ast.FunctionDef):
            continue
        calls = [node for node in ast.walk(view) if isinstance(node, ast.Call)]
        named = [ast.unparse(call.func) for call in calls]
        sends = [
            call
            for call, name in zip(calls, named, strict=True)
            if name.endswith(("Form", "form_class"))
            and any("request.POST" in ast.unparse(arg) for arg in call.args)
        ]
        writes = any(name.endswith(("carry_out", "once")) for name in named)
        given = {arg.arg for arg in view.args.args} - {"request"}
        queried = any(len(call.args) > 1 for call in sends)  # a row beside what was sent
        if sends and writes and (given or queried):
            yield view.name, any(name.endswith(("editing", "_answering")) for name in named)


def test_every_form_that_edits_a_record_carries_the_state_it_was_opened_on():
    found = {
        f"{name_of(path)}:{view}": tied
        for path in sources()
        if path.name == "views.py" or path.name.endswith("_views.py")
        for view, tied in forms_on_a_record(path)
    }

    assert sorted(found.items()) and any(found.values())
    assert [
        view for view, tied in found.items() if not tied and view not in FORMS_WITHOUT_A_STATE
    ] == []
    assert [view for view in FORMS_WITHOUT_A_STATE if found.get(view, True)] == []


def test_the_reading_of_forms_finds_one_that_edits_without_a_state(tmp_path):
    careless = tmp_path / "views.py"
    careless.write_text(
        "def change(request, public_id):\n"
        "    form = ThingForm(request.POST or None, initial={})\n"
        "    pages.carry_out(request, form, actions.change)\n"
        "def tidy(request, public_id):\n"
        "    form = pages.editing(ThingForm(request.POST or None), thing)\n"
        "    pages.carry_out(request, form, actions.change)\n",
        "utf-8",
    )

    assert list(forms_on_a_record(careless)) == [("change", False), ("tidy", True)]


def test_pages_carry_out_an_action_only_once():
    wrong = []
    for path in pages():
        known = actions_known_to(path)
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                # A refusal that is raised here is no verb.
                called = known.get(function.value.id) == "module" and function.attr.islower()
            else:
                called = isinstance(function, ast.Name) and known.get(function.id) == "function"
            text = ast.unparse(function)
            if called and (name_of(path), text) not in CALLED_BY_PAGES:
                wrong.append(f"{name_of(path)}:{node.lineno} {text}(…)")

    assert wrong == []


# --- Verbs are whole and leave a line -------------------------------------------------------------

# A verb that takes ``at`` but is not atomic, or writes no line of its own, and why.
EXEMPT = {
    "fangkong/web/demo/actions.py:screen": "its steps are verbs, which leave the lines",
    "fangkong/supplies/stock/actions.py:labelled": "a step of verbs, which leave the line",
    "fangkong/supplies/stock/actions.py:outside": "a step of verbs, which leave the line",
    "fangkong/core/audit/actions.py:record": "it is the line",
    "fangkong/core/audit/actions.py:new_line": "it is the line",
    "fangkong/core/audit/actions.py:refused": "it is the line",
    "fangkong/core/audit/actions.py:seen": "it is the line of a view",
    "fangkong/people/actions.py:note_revealed": "it is that of the line of a view, for a room",
    "fangkong/core/audit/actions.py:record_rows": "it is the lines",
    "fangkong/core/retention/actions.py:destroy_due": "a batch each: a bad row keeps no other",
    "fangkong/core/imports/actions.py:check": "a transaction for each chunk; it enters nothing",
    "fangkong/core/imports/actions.py:enter": "a transaction for each chunk, so that it resumes",
    "fangkong/surveillance/exchange/actions.py:take": "a transaction for some results, so too",
    "fangkong/accounts/sign_in/actions.py:begin": "the row is the history of sign-ins itself",
    "fangkong/accounts/sign_in/actions.py:enter": "the row is the history of sign-ins itself",
    "fangkong/accounts/sign_in/actions.py:note_end": "the row is the history of sign-ins itself",
    "fangkong/core/queue/actions.py:enqueue": "part of its caller's action; the job is the trace",
    "fangkong/core/queue/actions.py:tick": "each schedule stands alone; what it calls is audited",
    "fangkong/core/sealing/actions.py:make_ring_where_new": "writes a file; no table is touched",
    "fangkong/core/files/actions.py:sweep": "contents that no row names; no table is touched",
    "fangkong/surveillance/bulletins/actions.py:remind": "the task leaves the line",
    "fangkong/core/notices/actions.py:notify": "part of its caller's action, which is audited",
    "fangkong/core/notices/actions.py:goes_at": "only reckons",
    "fangkong/core/notices/actions.py:send": "the message's own row is the trace",
    "fangkong/accounts/sign_in/actions.py:end_expired": "the row is the history of sign-ins itself",
    "fangkong/core/notices/actions.py:shorten_waits": "the hour of a try; nothing of the work",
    "fangkong/core/webhooks/actions.py:shorten_waits": "the hour of a try; nothing of the work",
    "fangkong/core/notices/actions.py:send_due": "queues; each message stands alone",
    "fangkong/core/webhooks/actions.py:announce": "part of its caller's action, which is audited",
    "fangkong/core/webhooks/actions.py:deliver": "the delivery's own row is the trace",
    "fangkong/core/webhooks/actions.py:deliver_due": "queues; each delivery stands alone",
    "fangkong/surveillance/arrivals/actions.py:put": "the rows are the trace: what was asked",
    "fangkong/surveillance/arrivals/actions.py:remind": "gives tasks, each with its line",
    "fangkong/supplies/daily/actions.py:remind_of_missing": "the task leaves the line",
    "fangkong/supplies/daily/actions.py:remind_of_change": "the task leaves the line",
    "fangkong/supplies/sources/actions.py:remind_of_late": "the task leaves the line",
    "fangkong/supplies/sources/actions.py:remind_to_publish": "the task leaves the line",
    "fangkong/people/actions.py:coming": "half of `register`; the caller writes its lines",
    "fangkong/people/actions.py:register_many": "part of an import, which is one line for all rows",
    "fangkong/people/actions.py:enter_prepared": "part of an import, in its chunk's transaction",
    "fangkong/people/actions.py:plain_many": "only reads what is stated",
    "fangkong/people/actions.py:prepare_many": "only makes rows ready; no table is touched",
    "fangkong/people/duplicates/actions.py:find": "marks the run, then keeps all as one",
    "fangkong/surveillance/warning/actions.py:detect": "marks the run, then does all as one",
    "fangkong/web/demo/actions.py:write_files": "writes files; no table is touched",
}


@dataclass
class Verbs:
    """The functions of one part's modules, and which of them reach the audit trail."""

    functions: dict[str, ast.FunctionDef] = field_of(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> Verbs:
        """The functions of an actions.py and of the modules beside it, which may help it."""
        found = cls()
        for helper in sorted(path.parent.glob("*.py")):
            if helper.name not in ("views.py", "api.py", "jobs.py") and helper != path:
                found._add(helper)
        found._add(path)
        return found

    def _add(self, path: Path) -> None:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node

    def is_atomic(self, name: str) -> bool:
        decorators = [ast.unparse(one) for one in self.functions[name].decorator_list]
        # `one` is an atomic that spares the savepoint within a command.
        return bool({"transaction.atomic", "one"} & set(decorators))

    def calls(self, name: str) -> set[str]:
        """Names of our functions that this one calls, also as ``module.function``."""
        called = set()
        for node in ast.walk(self.functions[name]):
            if isinstance(node, ast.Call):
                called.add(ast.unparse(node.func).rpartition(".")[2])
        return called & set(self.functions)

    def records(self, name: str) -> bool:
        """Whether the function itself writes to the audit trail."""
        return any(
            isinstance(node, ast.Call)
            and ast.unparse(node.func).startswith(("audit.record", "record"))
            for node in ast.walk(self.functions[name])
        )

    def reaches_the_trail(self, name: str, seen: frozenset[str] = frozenset()) -> bool:
        return self.records(name) or any(
            self.reaches_the_trail(other, seen | {name})
            for other in self.calls(name) - seen - {name}
        )

    def is_whole(self, name: str) -> bool:
        """Atomic itself, or only calling verbs that are (one transaction for each of many)."""
        if self.is_atomic(name):
            return True
        writing = {other for other in self.calls(name) if self.reaches_the_trail(other)}
        return (
            not self.records(name)
            and not writes(self.functions[name])
            and bool(writing)
            and all(self.is_atomic(other) for other in writing)
        )


def writes(function: ast.FunctionDef) -> bool:
    """Whether a function changes a table itself."""
    verbs = {"create", "save", "update", "delete", "bulk_create", "bulk_update", "get_or_create"}
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in verbs
        and "objects" in ast.unparse(node.func)
        for node in ast.walk(function)
    )


def verbs() -> list[tuple[str, Verbs, str]]:
    """Every public function of an actions.py that takes the moment."""
    found = []
    for path in sources("actions.py"):
        known = Verbs.of(path)
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                taken = {arg.arg for arg in [*node.args.args, *node.args.kwonlyargs]}
                if "at" in taken:
                    found.append((f"{name_of(path)}:{node.name}", known, node.name))
    return found


def test_every_verb_is_done_whole_or_not_at_all():
    wrong = [
        place for place, known, name in verbs() if place not in EXEMPT and not known.is_whole(name)
    ]

    assert wrong == []


def test_every_verb_leaves_a_line_in_the_trail():
    wrong = [
        place
        for place, known, name in verbs()
        if place not in EXEMPT and not known.reaches_the_trail(name)
    ]

    assert wrong == []


def test_the_reading_of_verbs_finds_them_and_a_careless_one(tmp_path):
    assert len(verbs()) > 25
    (tmp_path / "actions.py").write_text(
        "def careless(*, by, at):\n    Thing.objects.create()\n"
        "@transaction.atomic\ndef silent(*, by, at):\n    Thing.objects.create()\n"
        "@transaction.atomic\ndef good(*, by, at):\n    _note(by, at)\n"
        "def _note(by, at):\n    audit.record('x', by=by, at=at)\n"
    )
    found = Verbs.of(tmp_path / "actions.py")

    assert [found.is_whole(name) for name in ("careless", "silent", "good")] == [False, True, True]
    assert [found.reaches_the_trail(name) for name in ("careless", "silent", "good")] == [
        False,
        False,
        True,
    ]


def test_no_exemption_outlives_its_verb():
    assert set(EXEMPT) <= {place for place, _known, _name in verbs()}


# --- Privacy --------------------------------------------------------------------------------------

PERSONAL_WORDS = re.compile(
    r"(^|_)(name|names|phone|mobile|email|address|birth|born|passport|identity|nationality|"
    r"ethnicity|occupation|employer|workplace|school|guardian|lon|lat)(_|$)"
)
# A field that only looks personal, and why it is not.
NOT_PERSONAL: dict[str, str] = {"surveillance.RiskArea.name": "the name of an area"}


def test_every_table_declares_its_personal_data():
    wrong = [model._meta.label for model in our_models() if "pii" not in vars(model)]

    assert wrong == []


def test_personal_data_names_only_fields_that_are_there():
    for model in our_models():
        known = {one.name for one in model._meta.get_fields()}
        pii: dict[str, Personal] = vars(model).get("pii", {})
        assert set(pii) <= known, model._meta.label
        assert all(isinstance(one, Personal) for one in pii.values()), model._meta.label


def test_every_table_with_personal_data_declares_how_long_they_are_kept():
    wrong = []
    for model in our_models():
        destroyed = {one.destroy for one in vars(model).get("pii", {}).values()} - {"keep"}
        found = vars(model).get("retention")
        if destroyed and not isinstance(found, Retention):
            wrong.append(model._meta.label)
        elif found is not None:
            ways = [bool(found.days and found.since), bool(found.along), bool(found.by_room)]
            if ways.count(True) != 1 or not found.ground:
                wrong.append(model._meta.label)

    assert wrong == []


def test_every_table_with_personal_data_is_in_the_file_that_a_person_gets():
    """A room built later cannot forget: a key leads to the person, or the table says how, or why
    nobody is found by it."""
    wrong = [
        model._meta.label
        for model in our_models()
        if {one.kind for one in vars(model).get("pii", {}).values()} - {"staff"}
        and model not in dossier.ways()
        and dossier.about(model) is None
    ]

    assert wrong == []


def test_what_a_table_says_of_whom_it_is_about_can_be_followed():
    for model in our_models():
        about = dossier.about(model)
        if about is None:
            continue
        known = {one.name for one in model._meta.get_fields()}
        said = [about.key, about.record, about.nobody, about.repeats]
        assert [bool(one) for one in said].count(True) == 1
        assert {about.key, *(about.record or ()), about.repeats} - {""} <= known, model._meta.label
        assert (model in dossier.ways()) == bool(about.repeats), model._meta.label


def test_a_search_index_holds_keys_and_words_of_the_record_that_it_repeats_and_no_more():
    """What stands in no copy must stand in the copy of its record."""
    indexes = [model for model in our_models() if dossier.is_index(model)]
    assert [model._meta.label for model in indexes] == ["people.NamePart"]
    for model in indexes:
        fields = model._meta.concrete_fields
        words = {one.name for one in fields if not one.is_relation and not one.primary_key}
        assert words == set(vars(model)["pii"]), model._meta.label


def test_every_table_with_personal_data_serves_one_purpose():
    """The register of processing is read from the code: what serves no purpose is not held."""
    named = [table for purpose in purposes.declared() for table in purpose.tables]
    personal = {model._meta.label for model in our_models() if vars(model).get("pii")}

    assert sorted(named) == sorted(personal)


def test_fields_that_look_personal_are_declared():
    wrong = [
        f"{model._meta.label}.{one.name}"
        for model in our_models()
        if room_of_model(model) in ("people", "surveillance", "accounts")
        for one in model._meta.fields
        if PERSONAL_WORDS.search(one.name) and one.name not in vars(model).get("pii", {})
    ]

    assert [name for name in wrong if name not in NOT_PERSONAL] == []
    assert set(NOT_PERSONAL) <= set(wrong)


def test_the_number_of_a_document_is_personal():
    from fangkong.people.models import IdentityDocument

    assert "number" in IdentityDocument.pii


# --- Names ----------------------------------------------------------------------------------------

VAGUE = {"util", "utils", "helper", "helpers", "common", "service", "services", "manager",
         "managers", "base", "misc"}  # fmt: skip


def test_no_file_hides_behind_a_vague_name():
    folders = [PRODUCT, ROOT / "epistat", ROOT / "tools", ROOT / "tests", ROOT / "benchmarks"]
    wrong = [
        name_of(path)
        for folder in folders
        for pattern in ("**/*.py", "**/*.ts", "**/*.js", "**/*.scss")
        for path in folder.glob(pattern)
        if not {"node_modules", "dist"} & set(path.parts)
        and VAGUE & {path.stem.strip("_"), *path.relative_to(ROOT).parts[:-1]}
    ]

    assert wrong == []


# --- Addresses ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Address:
    """One pattern of the URL configuration, with a path that matches it."""

    name: str
    path: str
    module: str

    @property
    def words(self) -> list[str]:
        return [word.replace("-", "_") for word in self.path.strip("/").split("/")]


SAMPLES = {
    "uuid": str(uuid4()),
    "uuidstr": str(uuid4()),
    "slug": "none",
    "int": "7",
    "str": "none",
    "path": "none",
}


def fill(route: str) -> str:
    """A route with sample values: tasks/<uuid:public_id>/ -> tasks/0190…/."""
    return re.sub(
        r"<(?:(\w+):)?\w+>", lambda match: SAMPLES[match[1] or "str"], route.lstrip("^").rstrip("$")
    )


def addresses() -> list[Address]:
    def walk(
        patterns: list[URLPattern | URLResolver], above: str, names: tuple[str, ...]
    ) -> Iterator[Address]:
        for one in patterns:
            path = above + fill(str(one.pattern))
            if isinstance(one, URLResolver):
                space = (*names, one.namespace) if one.namespace else names
                yield from walk(one.url_patterns, path, space)
                continue
            yield Address(":".join([*names, one.name or ""]), path, home_of(one.callback))

    return list(walk(get_resolver().url_patterns, "/", ()))


def home_of(view: object) -> str:
    """The module in which a view is written, behind its decorators."""
    while True:
        owner = getattr(view, "__self__", None)
        if isinstance(owner, PathView):
            return owner.operations[0].view_func.__module__
        if hasattr(view, "__wrapped__"):
            view = view.__wrapped__
            continue
        inner = getattr(view, "func", None)  # functools.partial
        if inner is not None:
            view = inner
            continue
        return str(getattr(view, "__module__", ""))


@pytest.fixture(scope="module")
def everything() -> list[Address]:
    return addresses()


def test_the_reading_of_addresses_finds_pages_and_machines(everything):
    assert len(everything) > 60
    assert any(address.path.startswith("/api/v1/") for address in everything)
    assert reverse("accounts:index") in {address.path for address in everything}


def test_an_address_says_in_which_folder_its_view_lies(everything):
    wrong = []
    for address in everything:
        home = address.module.split(".")
        if home[0] != "fangkong" or home[1] == "web":
            continue
        words = address.words[2:] if address.words[:2] == ["api", "v1"] else address.words
        folder = home[1:-1]  # fangkong.room.part.views -> room, part
        if words[: len(folder)] != folder:
            wrong.append(f"{address.path} -> {address.module}")

    assert wrong == []


def test_a_name_says_the_same_as_its_address(everything):
    wrong = []
    for address in everything:
        spaces = address.name.split(":")[:-1]
        if not address.module.startswith("fangkong.") or spaces[:1] in ([], ["api"], ["web"]):
            continue
        if address.words[: len(spaces)] != spaces:
            wrong.append(f"{address.name} -> {address.path}")

    assert wrong == []


def test_every_template_of_a_part_lies_under_its_own_name():
    wrong = [
        name_of(path)
        for path in PRODUCT.glob("**/templates/**/*.html")
        if "node_modules" not in path.parts
        for inside in [path.relative_to(next(p for p in path.parents if p.name == "templates"))]
        for room in [room_of(path)]
        if inside.parts[0] != room and room != "web"
    ]

    assert wrong == []


def test_no_two_bodies_of_the_api_have_one_name():
    """The page of the API keeps one of them by each name, and tells it of both."""
    import_module(settings.ROOT_URLCONF)

    def below(kind: type) -> Iterator[type]:
        for one in kind.__subclasses__():
            yield one
            yield from below(one)

    found = {
        one for one in below(Schema)
        if one.__module__.startswith("fangkong.") and ".tests." not in one.__module__
    }  # fmt: skip
    names = Counter(one.__name__ for one in found)
    assert [name for name, often in names.items() if often > 1] == []
    assert names["CaseOut"] == 1


def test_the_frame_of_the_breadcrumb_is_written_once():
    """By the tag ``crumbs``."""
    wrong = [
        name_of(path)
        for path in PRODUCT.glob("**/templates/**/*.html")
        if "node_modules" not in path.parts and "fk-crumbs" in path.read_text("utf-8")
    ]

    assert wrong == []


# --- Words ----------------------------------------------------------------------------------------

AT_ONCE = {"gettext", "ngettext", "pgettext", "npgettext"}


def words_of_the_import(module: ast.Module) -> list[int]:
    """Lines whose text is put into words as the module is imported, whatever the reader speaks."""
    names = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in AT_ONCE
    }

    def within(node: ast.AST) -> Iterator[int]:
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts: Iterable[ast.AST | None] = (
                *node.decorator_list, *node.args.defaults, *node.args.kw_defaults,
            )  # fmt: skip
        else:
            parts = ast.iter_child_nodes(node)
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in names:
                yield node.lineno
        for part in parts:
            if part is not None:
                yield from within(part)

    return list(within(module))


def test_no_text_is_put_into_words_before_somebody_reads_it():
    wrong = [
        f"{name_of(path)}:{line}" for path in sources() for line in words_of_the_import(tree(path))
    ]
    assert wrong == [], "gettext_lazy is for what a module says as it is imported"


def test_text_that_is_put_into_words_too_early_is_found():
    early = """
from django.utils.translation import gettext as _, gettext_lazy
A = {"a": _("One"), "b": gettext_lazy("Two")}
class B:
    label = _("Three")
    def told(self, word=_("Four")):
        return _("Five")
C = lambda: _("Six")
"""
    assert words_of_the_import(ast.parse(early)) == [3, 5, 6]
