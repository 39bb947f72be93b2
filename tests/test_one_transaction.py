"""An action without a savepoint of its own (``commands.one``) is undone only as a whole.

Whoever called it and caught its refusal would go on with half of it written. So nothing between it
and the end of the command may catch: read from the sources, through every function on the way.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_architecture import PRODUCT, name_of, sources

Function = ast.FunctionDef | ast.AsyncFunctionDef


def decorators(function: Function) -> set[str]:
    """The last words of what decorates a function: one, atomic."""
    found = set()
    for node in function.decorator_list:
        inner = node.func if isinstance(node, ast.Call) else node
        found.add(inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", ""))
    return found


def module_name(path: Path) -> str:
    return ".".join(["fangkong", *path.relative_to(PRODUCT).with_suffix("").parts])


def known_names(module: str, tree: ast.Module) -> dict[str, str]:
    """Local names and what they stand for, in full: people -> fangkong.people.actions."""
    names = {one.name: f"{module}.{one.name}" for one in tree.body if isinstance(one, Function)}
    package = module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names}
    return names


def called(node: ast.AST, names: dict[str, str]) -> str:
    """The full name of what a call calls, where the module knows it."""
    assert isinstance(node, ast.Call)
    if isinstance(node.func, ast.Name):
        return names.get(node.func.id, "")
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        return f"{names.get(node.func.value.id, '')}.{node.func.attr}"
    return ""


def calls(function: Function, names: dict[str, str]) -> Iterator[tuple[int, str, bool]]:
    """Line, what is called, and whether something around it in this function catches."""

    def walk(node: ast.AST, caught: bool) -> Iterator[tuple[int, str, bool]]:
        if isinstance(node, ast.Call):
            yield node.lineno, called(node, names), caught
        if isinstance(node, ast.Try):
            inner = caught or any(not only_tells(one) for one in node.handlers)
            for tried in node.body:
                yield from walk(tried, inner)
            for after in (*node.handlers, *node.orelse, *node.finalbody):
                yield from walk(after, caught)
            return
        if isinstance(node, ast.With):
            suppresses = any("suppress" in ast.dump(one.context_expr) for one in node.items)
            savepoint = any(is_savepoint(one.context_expr) for one in node.items)
            caught = (caught or suppresses) and not savepoint
        for child in ast.iter_child_nodes(node):
            yield from walk(child, caught)

    return walk(function, False)


def only_tells(handler: ast.ExceptHandler) -> bool:
    """Whether a handler raises at its end whatever it caught."""
    return isinstance(handler.body[-1], ast.Raise)


def is_savepoint(node: ast.AST) -> bool:
    """``with transaction.atomic():`` inside the ``try``: what is caught outside is undone first."""
    if not isinstance(node, ast.Call) or "atomic" not in ast.dump(node.func):
        return False
    return not any(one.arg == "savepoint" for one in node.keywords)


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    for node in tree.body:
        if isinstance(node, Function):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            yield from (
                (f"{node.name}.{one.name}", one) for one in node.body if isinstance(one, Function)
            )


def faults(modules: dict[str, tuple[str, ast.Module]]) -> tuple[set[str], list[str]]:
    """The functions that hold an action without a savepoint, and where one is caught.

    ``modules``: by dotted name, the file and what stands in it. A function that opens a savepoint
    (``transaction.atomic``) may be caught: it is undone by itself.
    """
    known = {name: known_names(name, tree) for name, (_file, tree) in modules.items()}
    every = [
        (f"{name}.{place}", name, file, function)
        for name, (file, tree) in modules.items()
        for place, function in functions(tree)
    ]
    said = {full: list(calls(one, known[name])) for full, name, _file, one in every}
    bare = {full for full, _name, _file, one in every if "one" in decorators(one)}
    while True:
        more = {
            full
            for full, _name, _file, function in every
            if "atomic" not in decorators(function)
            and any(what in bare for _line, what, _caught in said[full])
        }
        if more <= bare:
            break
        bare |= more
    wrong = [
        f"{file}:{line} {what}"
        for full, _name, file, _function in every
        for line, what, caught in said[full]
        if caught and what in bare
    ]
    return bare, wrong


def product() -> dict[str, tuple[str, ast.Module]]:
    return {
        module_name(path): (name_of(path), ast.parse(path.read_text("utf-8"))) for path in sources()
    }


def test_no_action_without_a_savepoint_is_caught_by_another():
    bare, wrong = faults(product())

    assert {
        "fangkong.people.actions.register",
        "fangkong.surveillance.monitoring.actions.report",
    } <= bare
    assert wrong == []


def planted(body: str, *, decorator: str = "") -> list[str]:
    text = f"""
from contextlib import suppress
from django.db import transaction
from fangkong.people import actions as people
from fangkong.people.actions import register

def middle(**facts):
    return people.register(**facts)

{decorator}
def outer(**facts):
{body}
"""
    actions = PRODUCT / "people" / "actions.py"
    modules = {
        module_name(actions): (name_of(actions), ast.parse(actions.read_text("utf-8"))),
        "fangkong.tasks.planted": ("planted.py", ast.parse(text)),
    }
    return faults(modules)[1]


CAUGHT = [
    "    try:\n        people.register(**facts)\n    except Refused:\n        pass",
    "    try:\n        register(**facts)\n    except Exception as problem:\n        return problem",
    "    try:\n        middle(**facts)\n    except Refused:\n        return None",
    "    with suppress(Refused):\n        people.register(**facts)",
    "    for one in facts:\n        try:\n            if one:\n                middle(**facts)\n"
    "        except Refused:\n            continue",
]  # fmt: skip
NOT_CAUGHT = [
    "    people.register(**facts)",
    "    try:\n        people.register(**facts)\n    except Refused:\n        raise Other",
    "    try:\n        with transaction.atomic():\n            people.register(**facts)\n"
    "    except Refused:\n        pass",
    "    try:\n        people.correct(**facts)\n    except Refused:\n        pass",
    "    try:\n        pass\n    finally:\n        people.register(**facts)",
]


@pytest.mark.parametrize("body", CAUGHT)
def test_one_that_is_caught_is_found(body):
    assert len(planted(body)) == 1


@pytest.mark.parametrize("body", CAUGHT)
def test_also_where_the_outer_one_is_a_transaction_itself(body):
    assert len(planted(body, decorator="@transaction.atomic")) == 1


@pytest.mark.parametrize("body", NOT_CAUGHT)
def test_one_that_goes_up_or_is_undone_first_is_not(body):
    assert planted(body) == []
