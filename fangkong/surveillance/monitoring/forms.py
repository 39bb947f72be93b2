"""What people enter: the report card, its revision, a file, and the filters of lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, pages
from fangkong.core.refusals import Refused
from fangkong.packs.types import Pack, Row
from fangkong.people.types import DocumentKind
from fangkong.places.types import FacilityKind

from . import queries, words
from .actions import NotAcceptable
from .cards import Card, Desk
from .facts import Reason
from .known import facts_of
from .models import Case
from .types import Basis, CaseFacts, Course, Origin, ReviewState

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.models import Person
    from fangkong.places.models import Facility

Choices = list[tuple[str, str]]


class DateText(forms.DateInput):
    """A day from the browser's calendar, kept as text: one reader of dates judges it."""


class MomentText(forms.DateTimeInput):
    """A moment from the browser's calendar, kept as text as well."""


class Judged(pages.Form):
    """The part of the card that is judged; the words come from the pack in force."""

    condition = forms.ChoiceField(label=_("Disease"))
    case_class = forms.ChoiceField(label=_("Case class"))
    severity = forms.ChoiceField(label=_("Severity"), required=False)
    course = forms.ChoiceField(
        label=_("Acute or chronic"), choices=[("", "–"), *Course.choices], required=False
    )
    onset_date = forms.CharField(
        label=_("Onset"),
        widget=DateText(),
        required=False,
        help_text=_("The first day of illness. Empty for somebody without symptoms."),
    )
    diagnosed_at = forms.CharField(
        label=_("Time of diagnosis"),
        widget=MomentText(),
        help_text=_("To the minute: the clock of the report starts here."),
    )
    died_on = forms.CharField(label=_("Died on"), widget=DateText(), required=False)
    origin = forms.ChoiceField(
        label=_("Origin of the infection"), choices=Origin.choices, required=False
    )
    origin_place = forms.CharField(
        label=_("Places stayed at before"), max_length=200, required=False
    )
    relation = forms.ChoiceField(label=_("Patient belongs to"))
    doctor = forms.CharField(label=_("Reporting doctor"), max_length=60)
    remark = forms.CharField(label=_("Remark"), max_length=400, required=False)

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.at = user, at
        self.day = clock.day_of(at)
        self.pack = queries.pack_on(self.day)
        # Never filled in by itself: a diagnosis of just now would always be reported in time.
        now = at.astimezone(clock.zone()).strftime("%Y-%m-%dT%H:%M:%S")
        self.fields["diagnosed_at"].widget.attrs["data-now"] = now
        choices = {
            "condition": conditions(self.pack, self.day),
            "case_class": _named(self.pack.case_classes),
            "severity": [("", "–"), *_named(self.pack.severity)],
            "relation": _named(self.pack.residence_relations),
        }
        for name, options in choices.items():
            _offer(self, name, options)

    def desk(self, facility_id: int) -> Desk:
        return Desk(
            pack_on=queries.pack_on,
            places=self.places,
            facility_id=facility_id,
            now=self.at,
            zone=clock.zone(),
        )

    @property
    def places(self) -> queries.Gazetteer:
        """Names of places, loaded when a form is sent."""
        if not hasattr(self, "_places"):
            self._places = queries.Gazetteer(self.user, self.at)
        return self._places

    def texts(self) -> dict[str, str]:
        """What was entered, by the names that rows of files have."""
        return {name: value for name, value in self.cleaned_data.items() if isinstance(value, str)}

    def refuse(self, problem: Refused) -> None:
        if isinstance(problem, NotAcceptable):
            self.say(problem.faults)
        else:
            super().refuse(problem)

    def say(self, faults: Iterable[Reason]) -> None:
        """Put each fault to its field; a field that already has one keeps that."""
        for fault in faults:
            name = fault.field if fault.field in self.fields else None
            if name is None or name not in self.errors:
                self.add_error(name, words.reason(fault.code, fault.params))


class ReportForm(Judged):
    """The report card (传染病报告卡)."""

    name = forms.CharField(
        label=pgettext_lazy("person", "Name"),
        max_length=60,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    guardian = forms.CharField(
        label=_("Parent or guardian"),
        max_length=60,
        required=False,
        help_text=_("For children under 14."),
    )
    id_kind = forms.ChoiceField(
        label=_("Kind of document"),
        choices=[(k, t) for k, t in DocumentKind.choices if k != DocumentKind.NONE.value],
        initial=DocumentKind.RESIDENT_ID.value,
    )
    id_number = forms.CharField(
        label=_("Document number"),
        max_length=30,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "text"}),
        help_text=_("An identity card fills in sex and date of birth."),
    )
    sex = forms.ChoiceField(
        label=_("Sex"), choices=[("", "–"), ("1", _("male")), ("2", _("female"))], required=False
    )
    birth_date = forms.CharField(
        label=_("Date of birth"),
        widget=DateText(),
        required=False,
        help_text=_("This or the age must be filled in; an identity card does it for you."),
    )
    age = forms.CharField(
        label=_("Age"),
        max_length=4,
        required=False,
        widget=forms.TextInput({"inputmode": "numeric"}),
        help_text=_("Only where the date of birth is not known."),
    )
    age_unit = forms.ChoiceField(
        label=_("Age unit"),
        choices=[("years", _("years")), ("months", _("months")), ("days", _("days"))],
        required=False,
    )
    phone = forms.CharField(
        label=_("Phone"), max_length=20, required=False, widget=forms.TextInput({"type": "tel"})
    )
    occupation = forms.ChoiceField(label=_("Occupation group"))
    workplace = forms.CharField(
        label=_("Workplace or school"),
        max_length=100,
        required=False,
        help_text=_("Pupils and kindergarten children: school and class."),
    )
    address = forms.CharField(
        label=_("Current address"),
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text=_("County, township, village, house: 道孚县鲜水镇团结社区12号."),
    )
    facility = pages.RecordField(label=_("Reporting facility"))
    new_illness = forms.BooleanField(
        label=_("The person has fallen ill once more; this is not the illness already reported."),
        required=False,
    )

    SECTIONS: ClassVar[list[tuple[Any, list[str]]]] = [
        (
            _("Patient"),
            [
                "name",
                "id_kind",
                "id_number",
                "sex",
                "birth_date",
                "age",
                "age_unit",
                "phone",
                "occupation",
                "workplace",
                "guardian",
            ],
        ),
        (_("Address"), ["relation", "address"]),
        (_("Disease"), ["condition", "case_class", "severity", "course"]),
        (_("Dates"), ["onset_date", "diagnosed_at", "died_on"]),
        (_("Origin"), ["origin", "origin_place"]),
        (_("Report"), ["facility", "doctor", "remark", "new_illness"]),
    ]

    one_of = ("birth_date", "age")

    # The list of what is wrong follows the paper card too.
    field_order = [name for _title, names in SECTIONS for name in names]

    def __init__(
        self,
        *args: Any,
        user: User,
        at: datetime,
        person: Person | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, user=user, at=at, **kwargs)
        self.person = person
        self.known: dict[str, str] = {} if person is None else facts_of(person, self.day, self.pack)
        _offer(self, "occupation", [("", "–"), *_named(self.pack.occupations)])
        _offer(self, "condition", [("", "–"), *conditions(self.pack, self.day)])
        _offer(self, "case_class", [("", "–"), *_named(self.pack.case_classes)])
        _offer_facilities(self, queries.facilities_to_report_for(user, at))
        if not self.is_bound:
            self.initial.setdefault("relation", "same-county")
        for name in {*self.known, *(HAND_IN_HAND if _aged(self.known) else ())} & set(self.fields):
            del self.fields[name]

    def sections(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """The fields in the order of the paper card, without what the register knows."""
        found = [
            (title, [self[name] for name in names if name in self.fields])
            for title, names in self.SECTIONS
        ]
        return [(title, fields) for title, fields in found if fields]

    def texts(self) -> dict[str, str]:
        return {**super().texts(), **self.known}

    def clean(self) -> dict[str, Any]:
        facility = self.cleaned_data.get("facility")
        card, faults = self.desk(facility.pk if facility else 0).read(self.texts())
        self.say(faults)
        self.card: Card | None = card
        return self.cleaned_data

    def asked(self) -> dict[str, Any]:
        """What ``actions.report`` asks for."""
        assert self.card is not None  # the form is valid
        return {
            "person": self.card.person,
            "case": self.card.case,
            "facility": self.cleaned_data["facility"],
            "area": self.places.area_named(self.card.person.area_id),
            "new_illness": self.cleaned_data["new_illness"],
            "known": self.person,
        }


class ReviseForm(Judged):
    """A revised card (订正报告), filled with what the case says now."""

    reason = forms.CharField(
        label=_("Reason of the revision"),
        max_length=400,
        help_text=_("Stays in the history. No names and no numbers of persons."),
    )

    def __init__(self, *args: Any, case: Case, user: User, at: datetime, **kwargs: Any) -> None:
        self.case = case
        kwargs["initial"] = {name: getattr(case, name) for name in CaseFacts.__annotations__}
        kwargs["initial"]["diagnosed_at"] = case.diagnosed_at.astimezone(clock.zone())
        super().__init__(*args, user=user, at=at, **kwargs)
        for name in ("condition", "case_class", "severity", "relation"):
            _keep(self, name, getattr(case, name))
        for name in ("doctor", "relation"):  # see ``rules.unsaid_faults``
            self.fields[name].required = bool(getattr(case, name))
            if not getattr(case, name):
                self.fields[name].help_text = _("The earlier cards say nothing; it may stay empty.")
        if not case.relation:
            _offer(self, "relation", [("", "–"), *_named(self.pack.residence_relations)])

    def clean(self) -> dict[str, Any]:
        case, desk = self.case, self.desk(self.case.facility_id)
        dwelling = queries.dwelling_of(case, self.day)
        self.judged, faults = desk.revised(self.texts(), case.person, case, dwelling)
        self.say(faults)
        return self.cleaned_data

    def asked(self) -> dict[str, Any]:
        """What ``actions.revise`` asks for."""
        return {"facts": self.judged, "reason": self.cleaned_data["reason"]}


class AcceptForm(pages.Form):
    """Which card is decided about: the one that the reviewer saw."""

    card = forms.IntegerField(min_value=1, widget=forms.HiddenInput())
    reason = forms.CharField(
        label=_("Why you review your own card, and what you checked"),
        max_length=400,
        required=False,
    )
    problem: Refused | None = None

    def refuse(self, problem: Refused) -> None:
        self.problem = problem
        super().refuse(problem)


class ReturnForm(AcceptForm):
    """Why that card is returned."""

    reason = forms.CharField(label=_("What the facility must correct"), max_length=400)


class UploadForm(pages.Form):
    """A file of report cards."""

    facility = pages.RecordField(
        label=_("Reporting facility"), help_text=_("For rows that name none.")
    )

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_facilities(self, queries.facilities_to_import_for(user, at))


class FindForm(pages.Form):
    """Find a case by its number, or by its patient. Sent by POST: names stay out of addresses."""

    text = forms.CharField(
        label=_("Case number, name, pinyin, identity number or phone"),
        max_length=60,
        widget=forms.TextInput({"autocomplete": "off", "type": "search"}),
    )


class CaseFilter(pages.FilterForm):
    """The filters of the case list."""

    county = forms.ChoiceField(label=_("County"), required=False)
    condition = forms.ChoiceField(label=_("Disease"), required=False)
    case_class = forms.ChoiceField(label=_("Case class"), required=False)
    first = forms.DateField(label=_("Reported from"), required=False, widget=forms.DateInput())
    last = forms.DateField(label=_("to"), required=False, widget=forms.DateInput())
    review = forms.ChoiceField(
        label=_("Review"), choices=[("", _("all")), *ReviewState.choices], required=False
    )
    clock = forms.ChoiceField(
        label=_("Clock"),
        choices=[
            ("", _("all")),
            ("overdue", _("review overdue")),
            ("late", _("reported late")),
        ],
        required=False,
    )
    batch = forms.UUIDField(label=_("From one import"), required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at
        day = clock.day_of(at)
        pack = queries.pack_on(day)
        self.counties = {c.code: c for c in queries.counted_counties(user, at)}
        options: Mapping[str, Choices] = {
            "county": [(code, c.display_short) for code, c in self.counties.items()],
            "condition": conditions(pack, day),
            "case_class": _named(pack.case_classes),
        }
        for name, choices in options.items():
            _offer(self, name, [("", _("all")), *choices])

    def narrow(self, rows: QuerySet[Case]) -> QuerySet[Case]:  # type: ignore[override]  # of cases
        chosen = self.chosen()
        if county := chosen.get("county"):
            rows = rows.filter(county_id=self.counties[county].pk)
        for name, path in (
            ("condition", "condition"),
            ("case_class", "case_class"),
            ("review", "review_state"),
            ("batch", "batch__public_id"),
        ):
            if chosen.get(name):
                rows = rows.filter(**{path: chosen[name]})
        if first := chosen.get("first"):
            rows = rows.filter(reported_at__gte=clock.start_of(first))
        if last := chosen.get("last"):
            rows = rows.filter(reported_at__lt=clock.start_of(next_day(last)))
        if chosen.get("clock") == "overdue":
            rows = queries.past_review(rows, self.at)
        if chosen.get("clock") == "late":
            rows = queries.reported_late(rows)
        return rows


class CountsForm(pages.Form):
    """What the counts page shows; every wrong or missing value falls back to a sensible one."""

    condition = forms.ChoiceField(label=_("Disease"), required=False)
    county = forms.ChoiceField(label=_("County"), required=False)
    basis = forms.ChoiceField(label=_("By"), choices=Basis.choices, required=False)
    first = forms.DateField(label=_("From"), required=False, widget=forms.DateInput())
    last = forms.DateField(label=_("to"), required=False, widget=forms.DateInput())
    as_of = forms.DateTimeField(
        label=_("As known at"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(),
    )

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day = clock.day_of(at)
        self.counties = {c.code: c for c in queries.counted_counties(user, at)}
        self.condition_choices = conditions(queries.pack_on(day), day)
        counties = [(code, c.display_short) for code, c in self.counties.items()]
        _offer(self, "condition", self.condition_choices)
        _offer(self, "county", [("", _("all")), *counties])


HAND_IN_HAND = ("birth_date", "age", "age_unit")  # one of them says it


def _aged(known: Mapping[str, str]) -> bool:
    return "birth_date" in known or "age" in known


def conditions(pack: Pack, day: date) -> Choices:
    """The diseases of a day with their subtypes, in the order of the pack and the page's words."""
    language = get_language() or "en"
    found: Choices = []
    for row in pack.conditions:
        period = row.period_on(day)
        if period is None:
            continue
        found.append((row.code, period.name.in_language(language)))
        found += [(form.code, f"　{form.name.in_language(language)}") for form in row.subtypes]
    return found


def next_day(day: date) -> date:
    return day + timedelta(days=1)


def _named(rows: Iterable[Row]) -> Choices:
    language = get_language() or "en"
    return [(row.code, row.name.in_language(language)) for row in rows]


def _offer(form: forms.Form, name: str, choices: Iterable[tuple[str, Any]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)


def _offer_facilities(form: forms.Form, facilities: QuerySet[Facility]) -> None:
    """Facilities by name; the only one, or the only county CDC among them, is chosen already."""
    field = form.fields["facility"]
    assert isinstance(field, pages.RecordField)
    field.queryset = facilities
    offices = facilities.filter(kind=FacilityKind.COUNTY_CDC)
    for likely in (list(facilities[:2]), list(offices[:2])):
        if len(likely) == 1:
            form.initial.setdefault("facility", likely[0].public_id)


def _keep(form: forms.Form, name: str, value: str) -> None:
    """Offer a value of an older pack as well, so that an unchanged field stays as it is."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    if value and not field.valid_value(value):
        field.choices = [*cast("Choices", field.choices), (value, value)]
