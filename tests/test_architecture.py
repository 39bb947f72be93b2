"""What the import linter cannot see: foreign keys, doors, privacy, actions, names, closed pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "fangkong"
# Lowest first; rooms of one step may not know each other.
STEPS = [
    {"packs"},
    {"core"},
    {"places"},
    {"accounts"},
    {"people"},
    {"tasks"},
    {"surveillance", "supplies"},
    {"isolation", "workforce"},
    {"command"},
    {"publicity", "calls"},
    {"web"},
]
HEIGHT = {room: step for step, rooms in enumerate(STEPS) for room in rooms}
DOORS = {"actions", "queries", "rules", "types"}
# core is the toolkit of every room: its modules are its doors. packs has no Django behind it.
OPEN_ROOMS = {"core", "packs"}


def rooms() -> list[Path]:
    return [HOUSE / room for room in HEIGHT if (HOUSE / room).is_dir()]


def sources(*, tests: bool = False) -> Iterator[Path]:
    for room in rooms():
        for file in sorted(room.rglob("*.py")):
            inside = file.relative_to(HOUSE).parts
            if "migrations" in inside or "node_modules" in inside:
                continue
            if tests or not {"tests", "management"} & set(inside):
                yield file


def ours() -> list[type[models.Model]]:
    return [
        model
        for config in apps.get_app_configs()
        if config.name.startswith("fangkong.")
        for model in config.get_models()
    ]


def room_of(model: type[models.Model]) -> str:
    return model._meta.app_label


def imports(file: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every module of the house that a file imports when it runs (not for types only)."""
    tree = ast.parse(file.read_text())
    typing_only = {
        node
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node


def test_foreign_keys_point_down_and_cross_rooms_without_a_way_back():
    wrong = []
    for model in ours():
        for field in model._meta.get_fields():
            if not isinstance(field, (models.ForeignKey, models.ManyToManyField)):
                continue
            target = field.related_model
            if target._meta.label == settings.AUTH_USER_MODEL:  # staff may be named everywhere
                continue
            here, there = room_of(model), room_of(target)
            if here == there:
                continue
            if HEIGHT[there] >= HEIGHT[here]:
                wrong.append(f"{model._meta.label}.{field.name} points up to {there}")
            if field.remote_field.related_name != "+":
                wrong.append(f"{model._meta.label}.{field.name} needs related_name='+'")
    assert not wrong


def test_between_rooms_only_doors_are_imported():
    wrong = []
    for file in sources():
        here = file.relative_to(HOUSE).parts[0]
        for name, _node in imports(file):
            parts = name.split(".")
            if parts[0] != "fangkong" or len(parts) < 3 or parts[1] not in HEIGHT:
                continue
            if parts[1] == here or parts[1] in OPEN_ROOMS:
                continue
            if not DOORS & set(parts[2:]) and not _template_tags(file):
                wrong.append(f"{file.relative_to(ROOT)} imports {name}")
    assert not wrong


def _template_tags(file: Path) -> bool:
    return file.parent.name == "templatetags"


def test_pages_and_machines_ask_queries_and_let_commands_run_actions():
    wrong = []
    for file in sources():
        if file.name not in ("views.py", "api.py", "import_views.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "objects":
                wrong.append(f"{file.relative_to(ROOT)}:{node.lineno} asks the database itself")
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "actions"
                and node.func.attr[0].islower()
            ):
                where = f"{file.relative_to(ROOT)}:{node.lineno}"
                wrong.append(f"{where} calls actions.{node.func.attr} without once()")
    assert not wrong


# Helpers that an action calls within its own transaction, and cards in bulk, whose caller writes
# the one line of the batch; sends and ticks of the queue are not about a record.
NOT_AN_ACTION = {
    "fangkong/core/audit/actions.py",
    "fangkong/core/commands/actions.py",
    "fangkong/core/queue/actions.py",
}
IN_BULK = {
    "fangkong/people/actions.py:register_many": "the import records its batch once",
    "fangkong/tasks/actions.py:escalate_overdue": "each task has its own transaction and line",
    "fangkong/surveillance/warning/actions.py:request_run": "gives a waiting run back unchanged",
}


def test_every_action_is_one_transaction_with_one_line_in_the_audit_trail():
    wrong = []
    for file in sources():
        place = file.relative_to(ROOT).as_posix()
        if file.name != "actions.py" or place in NOT_AN_ACTION or "/web/demo/" in place:
            continue
        tree = ast.parse(file.read_text())
        functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
        for name, function in functions.items():
            arguments = {a.arg for a in [*function.args.args, *function.args.kwonlyargs]}
            if name.startswith("_") or not {"by", "at"} <= arguments:
                continue
            if f"{place}:{name}" in IN_BULK:
                continue
            decorated = " ".join(ast.unparse(d) for d in function.decorator_list)
            body = _with_helpers(function, functions)
            if "atomic" not in decorated + body:
                wrong.append(f"{place}:{name} is not one transaction")
            if "audit.record(" not in body:
                wrong.append(f"{place}:{name} leaves no line in the audit trail")
    assert not wrong


def _with_helpers(function: ast.FunctionDef, functions: dict[str, ast.FunctionDef]) -> str:
    """The text of a function and of those of its module that it calls, directly or not."""
    seen: set[str] = set()
    waiting = [function]
    text = ""
    while waiting:
        current = waiting.pop()
        seen.add(current.name)
        text += ast.unparse(current)
        called = set(re.findall(r"\b(\w+)\(", ast.unparse(current)))
        waiting += [functions[name] for name in called & functions.keys() if name not in seen]
    return text


PERSONAL = re.compile(r"name|phone|number|address|birth|doctor|guardian|workplace|ethnic")
NOT_PERSONAL = {
    "surveillance.Case.number": "the case's own number",
    "surveillance.ImportBatch.file_name": "of a file, chosen by staff",
    "accounts.User.username": "the account's name, which every audit line shows",
}


def test_every_table_says_which_personal_data_it_holds():
    wrong = []
    for model in ours():
        label = model._meta.label
        declared = model.__dict__.get("pii", getattr(model, "pii", None))
        if declared is None:
            wrong.append(f"{label} does not declare pii")
            continue
        fields = {f.name for f in model._meta.get_fields() if hasattr(f, "column")}
        wrong += [f"{label}.{name} is declared but no field" for name in declared.keys() - fields]
        if room_of(model) not in ("people", "surveillance", "accounts"):
            continue
        for field in model._meta.concrete_fields:
            asked = isinstance(field, (models.CharField, models.TextField, models.DateField))
            if (
                asked
                and not field.choices
                and PERSONAL.search(field.name)
                and field.name not in declared
                and f"{label}.{field.name}" not in NOT_PERSONAL
            ):
                wrong.append(f"{label}.{field.name} looks personal and is not declared")
    assert not wrong


def test_no_file_has_a_name_that_says_nothing():
    banned = {
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "services",
        "managers",
        "base",
        "misc",
    }
    wrong = [
        str(file.relative_to(ROOT))
        for file in sources(tests=True)
        if file.stem in banned or file.parent.name in banned
    ]
    assert not wrong


# --- Addresses ------------------------------------------------------------------------------------

PUBLIC = {
    "accounts/login/": "to sign in",
    "accounts/logout/": "to sign out",
    "accounts/signup/": "says that the administrator makes accounts",
    "accounts/inactive/": "the same",
    "accounts/password/reset/": "the same",
    "language/setlang/": "to choose a language before signing in",
    "alive/": "for the monitor",
    "ready/": "for the monitor",
}
# There is nothing here, for anybody: the demonstration's page outside a demonstration.
NOTHING = {"api/v1/", "demo/", "demo/<str:name>"}
SAMPLES = {
    "uuid": str(UUID(int=7)),
    "uuidstr": str(UUID(int=7)),  # the same in the API
    "slug": "x",
    "str": "x",
    "int": "1",
    "path": "x",
}


def addresses(
    resolver: URLResolver | None = None, before: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for entry in (resolver or get_resolver()).url_patterns:
        address = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, address)
        else:
            yield address, entry


def sample(address: str) -> str:
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda m: SAMPLES[m[1] or "str"], address)


@pytest.mark.django_db
def test_a_stranger_opens_nothing_but_the_few_public_pages(client):
    wrong = []
    for address, _entry in addresses():
        if address in PUBLIC or address in NOTHING:
            continue
        answer = client.get(sample(address))
        sent_away = answer.status_code == 302 and "/accounts/login/" in answer["Location"]
        if not sent_away and answer.status_code not in (401, 403, 405):
            wrong.append(f"{address}: {answer.status_code}")
    assert not wrong


@pytest.mark.django_db
def test_a_stranger_changes_nothing(client):
    wrong = []
    for address, _entry in addresses():
        if address in PUBLIC or address in NOTHING:
            continue
        answer = client.post(sample(address))
        sent_away = answer.status_code == 302 and "/accounts/login/" in answer["Location"]
        if not sent_away and answer.status_code not in (401, 403, 405):
            wrong.append(f"{address}: {answer.status_code}")
    assert not wrong


def test_the_words_of_an_address_lead_to_its_code():
    wrong = []
    for address, entry in addresses():
        view = entry.callback
        while hasattr(view, "__wrapped__"):
            view = view.__wrapped__
        module = getattr(view, "__module__", "")
        if not module.startswith("fangkong.") or address.startswith("api/"):
            continue
        words = [word for word in address.split("/") if word and "<" not in word]
        room, *rest = module.removeprefix("fangkong.").split(".")
        if room in ("web", "config"):
            continue
        if not words or words[0] != room:
            wrong.append(f"{address} is answered by {module}")
        parts = {p.name for p in (HOUSE / room).iterdir() if (p / "views.py").is_file()}
        if parts and (len(words) < 2 or words[1] != rest[0]):
            wrong.append(f"{address} is answered by {module}")
    assert not wrong
