"""The register of processing as a page for those who run and audit an installation."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import override

from . import types
from .queries import Held, held

KINDS = {
    "identity": "identity",
    "contact": "contact",
    "whereabouts": "whereabouts (sensitive)",
    "health": "health (sensitive)",
    "staff": "staff in office",
}
DESTROYED = {"erase": "emptied", "pseudonymise": "replaced", "keep": "kept"}


def page() -> str:
    """``docs/processing.md``; ``make processing`` writes it."""
    with override("en"):
        return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Register of processing"
    yield ""
    yield (
        "For what personal data are held, on which ground, in which fields and for how long. Read "
        "from the code by\n`make processing`; a test keeps it true. The page *Privacy* shows the "
        "same with the impact assessments."
    )
    for purpose in types.declared():
        yield from ("", f"## {purpose.label}", "")
        yield f"`{purpose.name}` · ground: {purpose.ground}"
        for label in purpose.tables:
            yield from _table(held(label))


def _table(one: Held) -> Iterator[str]:
    yield ""
    yield f"**{one.name}** (`{one.label}`) · {_term(one)}"
    yield f"· in a person's copy by: {one.gathered or 'nothing'}"
    yield ""
    yield "| field | class | at the end |"
    yield "|---|---|---|"
    for name, personal in one.fields:
        yield f"| {name} | {KINDS[personal.kind]} | {DESTROYED[personal.destroy]} |"


def _term(one: Held) -> str:
    if one.term is None:
        return "nothing in it is destroyed"
    return one.kept if one.term.by_room else f"{one.kept} ({one.term.ground})"
