"""A form in several steps: each checked, all kept on the server, carried out once at the end.

A wizard is declared once and answered by one view at one address::

    WIZARD = pages.Wizard("places.prefecture", _("New prefecture"), [
        pages.Step("area", _("Area"), AreaForm),
        pages.Step("staff", _("First staff"), StaffForm),
    ])

    @allowed(SET_UP)
    def set_up(request):
        return pages.wizard(request, WIZARD, actions.set_up, done=lambda made: redirect(made))

The action gets ``<step>=<cleaned data of the step>`` for every step, with ``by`` and ``at``. What
was typed is kept in the session, which lives in the database: no address holds any of it, a reload
or a way back loses none. Files cannot be steps of a wizard. The same draft is carried out once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise

from fangkong.core.commands.actions import once
from fangkong.core.record import new_public_id
from fangkong.core.refusals import Refused

from .forms import dress

R = TypeVar("R")
SUMMARY = "summary"


@dataclass(frozen=True)
class Step:
    """One page of the wizard. ``form`` makes the form from its data; a form class will do."""

    key: str
    title: str | Promise
    form: Callable[[QueryDict | None], forms.BaseForm]


@dataclass(frozen=True)
class Wizard:
    """``name`` is where its draft lies in the session."""

    name: str
    title: str | Promise
    steps: Sequence[Step]

    def step(self, key: str) -> Step | None:
        return next((step for step in self.steps if step.key == key), None)


def wizard(
    request: HttpRequest,
    what: Wizard,
    action: Callable[..., R],
    *,
    done: Callable[[R], HttpResponse],
) -> HttpResponse:
    """Answer a wizard: the step of ``?step=``, the summary, or the end."""
    draft = _draft(request, what)
    first_open = _first_open(what, draft)
    asked = request.GET.get("step", "") or (first_open.key if first_open else SUMMARY)
    step = what.step(asked)
    if step is None or (first_open and _after(what, step, first_open)):
        if first_open is not None:  # the summary, or a step, before its turn
            if asked != first_open.key:
                return redirect(f"{request.path}?step={first_open.key}")
            step = first_open
        else:
            return _summary(request, what, draft, action, done)
    if request.method == "POST":
        form = step.form(request.POST)
        if form.is_valid():
            kept = request.POST.copy()
            for name in ("csrfmiddlewaretoken", "_key"):
                kept.pop(name, None)
            draft["steps"][step.key] = kept.urlencode()
            _keep(request, what, draft)
            return redirect(f"{request.path}?step={_following(what, step)}")
        status = 422
    else:
        typed = draft["steps"].get(step.key)
        form = step.form(QueryDict(typed) if typed is not None else None)
        status = 200
    dress(form)
    shown = {**_shown(what, draft, step.key), "form": form, "back": _before(what, step)}
    return render(request, "core/pages/wizard.html", shown, status=status)


def _summary(
    request: HttpRequest,
    what: Wizard,
    draft: dict[str, Any],
    action: Callable[..., R],
    done: Callable[[R], HttpResponse],
) -> HttpResponse:
    sent = [(step, step.form(QueryDict(draft["steps"][step.key]))) for step in what.steps]
    wrong = next((step for step, form in sent if not form.is_valid()), None)
    if wrong is not None:  # the world has changed since that step was right
        return redirect(f"{request.path}?step={wrong.key}")
    problem = ""
    if request.method == "POST":
        facts = {step.key: form.cleaned_data for step, form in sent}
        by, at = request.user, cast(Any, request).now
        try:
            result = once(draft["key"], action, by=by, at=at, **facts)
        except Refused as refusal:
            problem = str(refusal)
        else:
            request.session.pop(_place(what), None)
            return done(result)
    shown = {**_shown(what, draft, SUMMARY), "sent": sent, "problem": problem}
    return render(request, "core/pages/wizard_summary.html", shown, status=409 if problem else 200)


def _shown(what: Wizard, draft: dict[str, Any], current: str) -> dict[str, Any]:
    steps = [(step, step.key in draft["steps"], step.key == current) for step in what.steps]
    return {"wizard": what, "steps": steps, "at_summary": current == SUMMARY}


def _place(what: Wizard) -> str:
    return f"wizard:{what.name}"


def _draft(request: HttpRequest, what: Wizard) -> dict[str, Any]:
    draft: dict[str, Any] | None = request.session.get(_place(what))
    return draft or {"key": str(new_public_id()), "steps": {}}


def _keep(request: HttpRequest, what: Wizard, draft: dict[str, Any]) -> None:
    request.session[_place(what)] = draft


def _first_open(what: Wizard, draft: dict[str, Any]) -> Step | None:
    return next((step for step in what.steps if step.key not in draft["steps"]), None)


def _after(what: Wizard, step: Step, other: Step) -> bool:
    return what.steps.index(step) > what.steps.index(other)


def _following(what: Wizard, step: Step) -> str:
    place = what.steps.index(step) + 1
    return what.steps[place].key if place < len(what.steps) else SUMMARY


def _before(what: Wizard, step: Step) -> str:
    place = what.steps.index(step)
    return what.steps[place - 1].key if place else ""
