"""Two windows on one record: a form carries the state it was opened on, and says what is newer.

::

    form = pages.editing(forms.FacilityForm(request.POST or None, initial=…), one)
    if done := pages.carry_out(request, form, actions.change_facility, facility=one):

The page of the form draws it: ``core/pages/form.html`` does, another page says ``{% seen form %}``
inside the form and includes ``core/pages/_stale.html`` above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar, cast

from django import forms
from django.db.models import Model
from django.http import QueryDict
from django.utils.translation import gettext as _

from fangkong.core.commands import states
from fangkong.core.sentences import listed

SEEN_FIELD = "_seen"
KEPT, TAKEN, SAME, BESIDE = "kept", "taken", "same", "beside"
Beside = Mapping[str, tuple[object, object]]

F = TypeVar("F", bound=forms.BaseForm)


@dataclass(frozen=True)
class Newer:
    """What somebody changed meanwhile.

    ``fate``: yours is kept, theirs taken, both alike, or it stands beside the form.
    """

    label: str
    theirs: str
    yours: str
    fate: str


@dataclass
class Editing:
    """The record behind a form: on which state it was opened, and what is newer than that."""

    record: Model
    state: str  # the record's version now, as this request read it
    marks: dict[str, str]  # of each field's value now
    beside: Beside  # what the page shows beside the form, and the decision rests on
    sent: str  # what the form carried when it was sent
    stale: bool = False
    newer: list[Newer] = field(default_factory=list)

    @property
    def carried(self) -> str:
        """What the form is to carry: it stays on its state until the newer one was shown."""
        if self.sent and not self.stale:
            return self.sent
        return " ".join([self.state, *(f"{name}={mark}" for name, mark in self.marks.items())])

    @property
    def seen(self) -> states.On:
        return states.on(self.record, self.sent.split(" ")[:1])

    @property
    def who(self) -> str:
        """Who changed the record last, where it tells."""
        by = getattr(self.record, "changed_by", None)
        return "" if by is None else str(by.display_name)

    @property
    def when(self) -> datetime | None:
        return getattr(self.record, "changed_at", None)


def editing(form: F, record: Model, beside: Beside | None = None) -> F:
    """Tie a form to the record that it changes. Its fields show the record through ``initial``.

    ``beside``: what its page shows beside the form, name to label and value, for whoever decides
    by it.
    """
    sent = form.data.get(SEEN_FIELD, "") if form.is_bound else ""
    shown, state = beside or {}, states.version(record)
    found = Editing(record, state, _marks(form, record, shown), shown, sent)
    cast(Any, form).editing = found
    return form


def editing_of(form: forms.BaseForm) -> Editing | None:
    """What ``editing`` tied to a form."""
    return getattr(form, "editing", None)


def say_stale(form: forms.BaseForm) -> None:
    """The record is newer than the form: say what differs, keep what was typed, go on from there.

    A field that was not touched takes what stands there now, so that sending again undoes nothing.
    """
    found = editing_of(form)
    assert found is not None
    if found.state in found.seen.tags:
        # It changed within this very request: what it says now has not been read yet. The form
        # stays on its state, and sending it again tells the difference.
        form.add_error(None, _("Somebody changes this at the same moment. Send it again."))
        return
    before = dict(part.split("=", 1) for part in found.sent.split(" ")[1:] if "=" in part)
    data = cast(QueryDict, form.data).copy()
    for name in form.fields:
        if name not in before or before[name] == found.marks.get(name):
            continue
        found.newer.append(_newer(form, name, before[name], data))
    found.newer += [
        Newer(str(label), theirs, "", BESIDE)
        for name, label, theirs in (
            *((n, label, str(value)) for n, (label, value) in found.beside.items()),
            *((n, label, _("not shown here")) for n, (label, _value) in _unseen(form).items()),
        )
        if name in before and before[name] != found.marks.get(name)
    ]
    found.stale = True
    form.data = data
    form.add_error(
        None,
        _("Somebody changed this after you opened it. Nothing of yours is saved yet."),
    )


def _newer(form: forms.BaseForm, name: str, before: str, data: QueryDict) -> Newer:
    bound, one = form[name], form.fields[name]
    typed = _texts(one, bound.data)
    theirs = _texts(one, form.get_initial_for_field(one, name))
    touched = _mark(form, name, typed) != before
    if touched:
        fate = SAME if typed == theirs else KEPT
    else:
        fate = TAKEN
        _put(data, one, bound.html_name, theirs)
    return Newer(str(bound.label), _words(one, theirs), _words(one, typed), fate)


def _put(data: QueryDict, one: forms.Field, name: str, texts: Sequence[str]) -> None:
    """Let the form say something else than what was sent."""
    if isinstance(one.widget, forms.CheckboxInput):
        data.pop(name, None)
        if texts == ["1"]:
            data[name] = "on"
    else:
        data.setlist(name, list(texts))


def _marks(form: forms.BaseForm, record: Model, beside: Beside) -> dict[str, str]:
    shown = {
        name: _mark(form, name, _texts(one, form.get_initial_for_field(one, name)), record)
        for name, one in form.fields.items()
        if not isinstance(one, forms.FileField)
    }
    others = {**beside, **_unseen(form)}
    return shown | {
        name: _mark(form, name, [str(value)], record) for name, (_label, value) in others.items()
    }


def _unseen(form: forms.BaseForm) -> Beside:
    """What a form changes without showing it: name to label and value; see ``pages.Form``."""
    said: Beside = getattr(form, "unseen", dict)()
    return said


def _mark(
    form: forms.BaseForm, name: str, texts: Sequence[str], record: Model | None = None
) -> str:
    """Bound to the record and the field: the same name of two persons has two marks."""
    one = record or cast(Editing, editing_of(form)).record
    return states.mark("\n".join([one._meta.label_lower, str(one.pk), name, *texts]))


def _texts(one: forms.Field, value: Any) -> list[str]:
    """A value as its widget sends it, whether it comes from the record or from the form."""
    widget = one.widget
    if isinstance(widget, forms.CheckboxInput):
        return ["1"] if value else []
    value = one.prepare_value(value)
    if isinstance(widget, forms.SelectMultiple | forms.CheckboxSelectMultiple):
        return sorted(str(part) for part in value or [])
    if isinstance(value, datetime):
        value = value.strftime("%Y-%m-%dT%H:%M")
    elif isinstance(value, date):
        value = value.isoformat()
    if isinstance(widget, forms.Select):
        return ["" if value is None else str(value)]
    shown = widget.format_value(value)
    return [str("" if shown is None else shown).replace("\r\n", "\n").strip()]


def _words(one: forms.Field, texts: Sequence[str]) -> str:
    """Texts as the form shows them: the words of what was chosen."""
    if isinstance(one.widget, forms.CheckboxInput):
        return _("yes") if texts else _("no")
    words = dict(_flat(getattr(one, "choices", [])))
    said = [words.get(text, text).strip() if text else "" for text in texts]
    return listed(said).replace("T", " ") if _is_moment(one) else listed(said)


def _is_moment(one: forms.Field) -> bool:
    return isinstance(one.widget, forms.DateTimeInput)


def _flat(choices: Any) -> Iterator[tuple[str, str]]:
    for value, label in choices:
        if isinstance(label, (list, tuple)):
            yield from _flat(label)
        else:
            yield str(value), str(label)
