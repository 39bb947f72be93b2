"""The register of processing as a page for those who run and audit an installation."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext, pgettext_lazy

from . import types
from .queries import Held, held

KINDS = {
    "identity": pgettext_lazy("register", "identity"),
    "contact": pgettext_lazy("register", "contact"),
    "whereabouts": pgettext_lazy("register", "whereabouts (sensitive)"),
    "health": pgettext_lazy("register", "health (sensitive)"),
    "staff": pgettext_lazy("register", "staff in office"),
}
DESTROYED = {
    "erase": pgettext_lazy("register", "emptied"),
    "pseudonymise": pgettext_lazy("register", "replaced"),
    "keep": pgettext_lazy("register", "kept"),
}
HEAD = (
    pgettext_lazy("register", "field"),
    pgettext_lazy("register", "what it is"),
    pgettext_lazy("register", "class"),
    pgettext_lazy("register", "at the end"),
)
# The file of each language, and what leads from it to the other.
FILES = {
    "zh-hans": ("processing.zh.md", "[English](processing.md)"),
    "en": ("processing.md", "[中文](processing.zh.md)"),
}


def page(language: str) -> str:
    """``docs/processing.zh.md`` and ``docs/processing.md``; ``make processing`` writes them."""
    _file, other = FILES[language]
    with override(language):
        return "\n".join(_lines(other)) + "\n"


def _lines(other: str) -> Iterator[str]:
    yield f"# {_('Register of processing')}"
    yield ""
    yield _("For what personal data are held, on which ground, in which fields and for how long.")
    yield _("Read from the code by `make processing`; a test keeps it true.")
    yield _("The page *Privacy* shows the same with the impact assessments.")
    yield other
    for purpose in types.declared():
        yield from ("", f"## {purpose.label}", "")
        yield f"`{purpose.name}` · {_said(_('Ground'), purpose.ground)}"
        for label in purpose.tables:
            yield from _table(held(label))


def _table(one: Held) -> Iterator[str]:
    yield ""
    yield f"**{one.name}** (`{one.label}`) · {_term(one)}"
    gathered = one.gathered or pgettext("register", "nothing")
    yield f"· {_said(_('in a copy for the person by'), gathered)}"
    yield ""
    yield _row(*HEAD)
    yield "|---|---|---|---|"
    for name, personal, called in one.fields:
        yield _row(name, called, KINDS[personal.kind], DESTROYED[personal.destroy])


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _term(one: Held) -> str:
    if one.term is None:
        return _("nothing in it is destroyed")
    said = str(one.term.ground)
    if one.term.by_room or said == one.kept:
        return one.kept
    return _("%(kept)s (%(ground)s)") % {"kept": one.kept, "ground": said}


def _said(name: str, value: object) -> str:
    return f"{name}{pgettext('between a field and its error', ': ')}{value}"
