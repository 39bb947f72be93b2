"""The rule packs in force, what each says with its sources, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.packs import queries as packs
from fangkong.packs.types import (
    AssayMethod,
    CardCheck,
    NoPackInForce,
    Pack,
    PlaceRule,
    Row,
    Text,
    UnknownCode,
)
from fangkong.web.rulepacks import contents, screening, supplies
from fangkong.web.templatetags.packs import said


class DayForm(pages.Form):
    """Which day, and for which area."""

    on = forms.DateField(label=_("On"), required=False, widget=forms.DateInput())
    area = forms.RegexField(r"^\d{6}$", label=_("Area code"), required=False)


class PairForm(pages.Form):
    """Which two packs."""

    before = forms.ChoiceField(label=_("Earlier pack"), required=False)
    after = forms.ChoiceField(label=_("Later pack"), required=False)

    def __init__(self, data: dict[str, str], language: str) -> None:
        super().__init__(data)
        choices = [(pack.id, pack.title.in_language(language)) for pack in packs.all_packs()]
        for name in ("before", "after"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices


@login_required
def index(request: StaffRequest) -> HttpResponse:
    """All packs, and which one rules an area on a day."""
    asked = {
        "on": request.GET.get("on") or clock.day_of(request.now).isoformat(),
        "area": request.GET.get("area") or settings.FANGKONG_AREA,
    }
    form = DayForm(asked)
    chosen: Pack | None = None
    problem = ""
    if form.is_valid():
        try:
            chosen = packs.in_force(form.cleaned_data["area"], form.cleaned_data["on"])
        except NoPackInForce as none:
            problem = str(none)
    found = sorted(packs.all_packs(), key=lambda pack: (pack.valid_from, pack.id), reverse=True)
    shown = {"form": form, "chosen": chosen, "problem": problem, "packs": found}
    pages.forms.dress(form)
    return render(request, "web/rulepacks/index.html", shown)


@login_required
def detail(request: HttpRequest, pack_id: str) -> HttpResponse:
    """One pack, clause by clause."""
    pack = _pack(pack_id)
    day = _day(request, pack)
    rows = [(row, row.period_on(day)) for row in pack.conditions]
    choices = _choices(pack, day)
    plan, goods = screening.tables(pack, day), supplies.tables(pack, day)
    shown = {
        "pack": pack,
        "day": day,
        "card_checks": _card_checks(pack, day),
        "place_rules": _place_rules(pack, day),
        "testing": _testing(pack),
        "screening": plan,
        "supplies": goods,
        "conditions": sorted(rows, key=lambda pair: pair[1].disease_class if pair[1] else "z"),
        "choices": choices,
        "contents": contents.parts(pack, day, choices, plan, goods),
    }
    return render(request, "web/rulepacks/detail.html", shown)


@login_required
def differences(request: StaffRequest) -> HttpResponse:
    """What two packs say differently, both sides with their sources."""
    same = _of_this_jurisdiction(request)
    asked = {
        "before": request.GET.get("before") or same[0].id,
        "after": request.GET.get("after") or same[-1].id,
    }
    form = PairForm(asked, request.LANGUAGE_CODE)
    pages.forms.dress(form)
    before, after = _pack(asked["before"]), _pack(asked["after"])
    shown = {
        "form": form,
        "before": before,
        "after": after,
        "differences": packs.differences(before, after),
    }
    return render(request, "web/rulepacks/differences.html", shown)


def _card_checks(pack: Pack, day: date) -> list[tuple[CardCheck, list[Text]]]:
    """What cards are held against, each with the diseases that it is only for."""
    return [(row, [packs.name(pack, code, day) for code in row.only]) for row in pack.card_checks]


def _place_rules(pack: Pack, day: date) -> list[tuple[PlaceRule, list[Text]]]:
    """The rules of schools, villages and hospitals, with the names of their diseases."""
    return [
        (row, [packs.name(pack, code, day) for code in row.conditions])
        for row in pack.warning.places
    ]


def _testing(pack: Pack) -> list[tuple[Row, str, str]]:
    """Specimens, methods and judgements: the line, what it says, and of whom has no symptoms."""
    names = {row.code: said(row.name) for row in pack.case_classes}
    plan = pack.testing
    return [
        *((row, row.biosafety, "") for row in plan.specimens),
        *((row, " · ".join(_told(pack, row)), "") for row in plan.methods),
        *((r, names[r.becomes], names.get(r.without_symptoms, "")) for r in plan.judgements),
    ]


def _told(pack: Pack, method: AssayMethod) -> list[str]:
    diseases = {one.code: said(one.name) for one in pack.conditions}
    told = [f"{diseases.get(c, c)}: {', '.join(names)}" for c, names in method.targets_of]
    told += [", ".join(method.targets)] if method.targets else []
    return told + ["Ct"] * method.has_ct


@dataclass(frozen=True)
class Choice:
    """A line of a list of the card; ``only``, ``but``: diseases that have it, or do not."""

    row: Row
    only: tuple[Text, ...] = ()
    but: tuple[Text, ...] = ()


def _choices(pack: Pack, day: date) -> list[tuple[str, Promise, list[Choice]]]:
    """The lists of the card on a day: an id for the page, a title, and the lines."""

    def named(codes: Iterable[str]) -> tuple[Text, ...]:
        return tuple(packs.name(pack, code, day) for code in codes)

    classes = [
        Choice(row, named(row.only), named(row.not_for))
        for row in pack.case_classes
        if row.covers(day)
    ]
    grades = [Choice(row, named(row.only)) for row in pack.severity if row.covers(day)]
    return [
        ("case-classes", _("Case class"), classes),
        ("severities", _("Severity"), grades),
        ("relations", _("Patient belongs to"), [Choice(row) for row in pack.residence_relations]),
        ("occupations", _("Occupation group"), [Choice(row) for row in pack.occupations]),
    ]


def _of_this_jurisdiction(request: StaffRequest) -> list[Pack]:
    """The packs, oldest first, of the jurisdiction whose pack rules this deployment today."""
    found = sorted(packs.all_packs(), key=lambda pack: pack.valid_from)
    try:
        here = packs.in_force(settings.FANGKONG_AREA, clock.day_of(request.now)).jurisdiction
    except NoPackInForce:
        return found
    return [pack for pack in found if pack.jurisdiction == here]


def _pack(pack_id: str) -> Pack:
    try:
        return packs.pack(pack_id)
    except UnknownCode:
        raise Http404(pack_id) from None


def _day(request: HttpRequest, pack: Pack) -> date:
    """The day to read a pack on: the asked one, or the nearest to today that it covers."""
    try:
        return date.fromisoformat(request.GET["on"])
    except (KeyError, ValueError):
        today = clock.day_of(clock.now())
        last = pack.valid_to or today
        return min(max(today, pack.valid_from), last)
