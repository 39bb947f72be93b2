"""What people enter: contacts, visits, ends, and the filters of the list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, pages
from fangkong.people.types import Document, DocumentKind, PhoneNumber, Registration, Sex
from fangkong.surveillance.monitoring import queries as monitoring

from . import queries
from .models import Exposure, Observation, Visit
from .types import Ending, ExposureFacts, Relation, Setting, Symptom, VisitFacts

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.models import Person
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.monitoring.models import Case

STATES = [
    ("open", _("under observation")),
    ("to_visit", _("to visit now")),
    ("missed", _("missed yesterday")),
    ("to_release", _("to be released")),
    ("in_facility", _("wanted in a facility")),
    ("ended", pgettext_lazy("observations", "ended")),
]


class FindForm(pages.PersonSearch):
    """Look the person up first."""

    label = _("Who was exposed? Look them up first")


class ContactForm(pages.Form):
    """A contact of a case: of a person who is known, else with what registers one."""

    kind = forms.ChoiceField(label=_("Kind of exposure"))
    through = forms.ChoiceField(label=_("Contact in between"))
    setting = forms.ChoiceField(
        label=pgettext_lazy("of an exposure", "Setting"), choices=Setting.choices
    )
    relation = forms.ChoiceField(
        label=_("Relation to the case"),
        choices=[("", pgettext_lazy("relation to a case", "not known")), *Relation.choices],
        required=False,
    )
    place = forms.CharField(
        label=pgettext_lazy("of an exposure", "Place"),
        max_length=100,
        required=False,
        help_text=_("Such as “G318 coach, 3 February”. No names and no numbers of persons."),
    )
    first_date = forms.DateField(label=_("First day together"), widget=forms.DateInput())
    last_date = forms.DateField(label=_("Last day together"), widget=forms.DateInput())

    NEW = ("name", "sex", "age_years", "id_kind", "id_number", "phone", "address")

    def __init__(
        self,
        *args: Any,
        case: Case,
        person: Person | None,
        between: Sequence[Exposure] = (),
        at: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.at = person, at
        self.between = {str(one.public_id): one for one in between}
        day = clock.day_of(at)
        condition = queries.whole(case.condition, day)
        known = queries.kinds(condition, day, "contact" if between else "case")
        language = get_language() or "en"
        _offer(self, "kind", [(one.code, one.name.in_language(language)) for one in known])
        if between:
            _offer(
                self, "through", [(k, one.person.masked_name) for k, one in self.between.items()]
            )
        else:
            del self.fields["through"]
        if person is None:
            self._ask_for_a_person()

    def _ask_for_a_person(self) -> None:
        kinds = [one for one in DocumentKind.choices if one[0] != DocumentKind.NONE]
        asked: dict[str, forms.Field] = {
            "name": forms.CharField(label=pgettext_lazy("person", "Name"), max_length=100),
            "sex": forms.ChoiceField(label=_("Sex"), choices=Sex.choices, initial=Sex.UNKNOWN),
            "age_years": forms.IntegerField(
                label=_("Age in years"), required=False, min_value=0, max_value=130
            ),
            "id_kind": forms.ChoiceField(label=_("Kind of document"), choices=kinds),
            "id_number": forms.CharField(
                label=_("Document number"),
                max_length=40,
                required=False,
                widget=forms.TextInput({"autocomplete": "off"}),
            ),
            "phone": forms.CharField(
                label=_("Phone number"),
                max_length=20,
                required=False,
                widget=forms.TextInput({"autocomplete": "off", "inputmode": "tel"}),
            ),
            "address": forms.CharField(
                label=_("Address"),
                max_length=300,
                required=False,
                help_text=_("With county and township: they say who visits."),
            ),
        }
        self.fields = {**asked, **self.fields}

    @property
    def person_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.NEW if name in self.fields]

    @property
    def exposure_fields(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name not in self.NEW]

    def kept(self) -> dict[str, str]:
        """What the next contact most likely shares; nothing of a person."""
        said = self.cleaned_data
        days = {name: said[name].isoformat() for name in ("first_date", "last_date")}
        more = {"through": said["through"]} if "through" in said else {}
        return {"kind": said["kind"], "setting": said["setting"], **days, **more}

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        names = ("kind", "setting", "place", "relation", "first_date", "last_date")
        facts = ExposureFacts(**{name: said[name] for name in names})
        through = self.between.get(said.get("through", ""))
        return {
            "facts": facts,
            "person": self.person,
            "stated": None if self.person is not None else self._stated(),
            "through": through,
        }

    def _stated(self) -> Registration:
        said = self.cleaned_data
        number, aged = said["id_number"], said["age_years"] is not None
        return Registration(
            name=said["name"],
            sex=said["sex"],
            age_years=said["age_years"],
            age_on=clock.day_of(self.at) if aged else None,
            area=monitoring.area_in(said["address"], self.at) if said["address"] else None,
            address_detail=said["address"],
            documents=(Document(said["id_kind"], number),) if number else (),
            phones=(PhoneNumber(said["phone"]),) if said["phone"] else (),
        )


class UploadForm(pages.Form):
    """A file of contacts, of the cases of one county."""

    county = forms.ChoiceField(label=_("County"))
    case = forms.CharField(
        label=_("Number of the case"),
        max_length=40,
        required=False,
        help_text=_("For rows that name none: a list of the contacts of one case."),
    )

    def __init__(
        self, *args: Any, user: User, at: datetime, case: Case | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.counties = {one.code: one for one in queries.counties_to_trace(user, at)}
        _offer(self, "county", [(code, one.display_name) for code, one in self.counties.items()])
        if case is not None:
            self.initial.update(case=case.number, county=case.county.code)
        elif len(self.counties) == 1:
            self.initial["county"] = next(iter(self.counties))

    def clean_county(self) -> Area:
        return self.counties[self.cleaned_data["county"]]


class JudgeForm(pages.Form):
    """Another class than the rules make of it, with a reason."""

    contact_class = forms.ChoiceField(label=_("Class of contact"), required=False)
    reason = forms.CharField(label=_("Reason"), max_length=400)

    def __init__(self, *args: Any, exposure: Exposure, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day, language = clock.day_of(at), get_language() or "en"
        classes = [
            (one.code, one.name.in_language(language))
            for one in queries.pack_on(day).screening.classes
            if one.covers(day) and one.code != exposure.contact_class
        ]
        none = [("", _("no contact by the rules"))] if exposure.contact_class else []
        _offer(self, "contact_class", [*classes, *none])


class ReasonForm(pages.Form):
    """Why something is withdrawn or ends."""

    reason = forms.CharField(label=_("Reason"), max_length=400)


class ReleaseForm(pages.Form):
    """The term is over."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        required=False,
        help_text=_(
            "Needed where nobody visited on the last day, or the last visit found symptoms."
        ),
    )


class EndForm(ReasonForm):
    """The observation ends before its term."""

    ending = forms.ChoiceField(
        label=_("End"),
        choices=[one for one in Ending.choices if one[0] in (Ending.DEATH, Ending.ERROR)],
    )
    field_order = ("ending", "reason")


class HandOverForm(ReasonForm):
    """Another county takes over."""

    county = forms.ChoiceField(label=_("To the county"))
    field_order = ("county", "reason")

    def __init__(self, *args: Any, observation: Observation, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counties = queries.areas_to_hand_to(clock.day_of(at))
        self.counties = {one.code: one for one in counties if one.pk != observation.county_id}
        _offer(self, "county", [(code, one.display_name) for code, one in self.counties.items()])

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        county: Area = self.counties[said["county"]]
        return {"county": county, "reason": said["reason"]}


class AssignForm(pages.Form):
    """The unit that visits."""

    unit = forms.ChoiceField(label=_("Visited by"))

    def __init__(self, *args: Any, observation: Observation, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units = queries.units_in(observation.county_id, clock.day_of(at))
        self.units = {str(one.public_id): one for one in units if one.pk != observation.unit_id}
        _offer(self, "unit", [(key, one.display_name) for key, one in self.units.items()])

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        unit: Facility = self.units[self.cleaned_data["unit"]]
        return {"unit": unit}


class VisitForm(pages.Form):
    """A visit, made for one thumb: large choices, one number, everything optional but found."""

    found = forms.ChoiceField(
        label=_("Was the person found?"),
        choices=[("yes", _("yes")), ("no", _("not found"))],
        widget=forms.RadioSelect(),
        initial="yes",
    )
    temperature = forms.DecimalField(
        label=_("Temperature, °C"),
        required=False,
        max_digits=4,
        decimal_places=1,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )
    symptoms = forms.MultipleChoiceField(
        label=_("Symptoms"),
        choices=Symptom.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(),
        help_text=_("None chosen: no symptoms."),
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False)
    done_at = pages.MomentField(label=_("Visited"), help_text=_("Now, where it is left empty."))

    def __init__(self, *args: Any, visit: Visit | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if visit is not None:
            said = {
                "found": "no" if visit.met == "not_found" else "yes",
                "temperature": None
                if visit.temperature is None
                else Decimal(visit.temperature) / 10,
                "symptoms": visit.symptoms,
                "note": visit.note,
                "done_at": visit.done_at,
            }
            self.initial = {**said, **self.initial}

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        degrees = said["temperature"]
        return {
            "facts": VisitFacts(
                found=said["found"] == "yes",
                temperature=None if degrees is None else int(degrees * 10),
                symptoms=tuple(said["symptoms"]),
                note=said["note"],
                done_at=said["done_at"],
            )
        }


class ManyForm(pages.Form):
    """The persons of a household who have no symptoms."""

    observations = forms.MultipleChoiceField(label=_("Persons"), required=False)

    def __init__(self, *args: Any, rows: Iterable[Observation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = {str(one.public_id): one for one in rows}
        field = cast(forms.MultipleChoiceField, self.fields["observations"])
        field.choices = [(key, key) for key in self.rows]

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        chosen = self.cleaned_data["observations"]
        return {"observations": [self.rows[key] for key in dict.fromkeys(chosen)]}


class ObservationFilter(pages.FilterForm):
    """The filters of the list of observations."""

    dependent = ("area", "unit")

    state = forms.ChoiceField(label=_("State"), choices=[("", _("all")), *STATES], required=False)
    county = forms.ChoiceField(label=_("County"), required=False)
    area = forms.ChoiceField(label=_("Township"), required=False)
    unit = forms.ChoiceField(label=_("Visited by"), required=False)
    ends_by = forms.DateField(label=_("Term ends until"), required=False, widget=forms.DateInput())

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at
        counties = monitoring.home_counties(clock.day_of(at))
        named = [(one.code, one.display_short) for one in counties]
        _offer(self, "county", [("", _("all")), *named])
        self._below(next((one for one in counties if one.code == self.data.get("county")), None))

    def _below(self, county: Area | None) -> None:
        """Townships and units are offered of the county that is chosen."""
        if county is None:
            del self.fields["area"], self.fields["unit"]
            return
        day = clock.day_of(self.at)
        self.areas = {one.code: one for one in queries.townships_of(county, day)}
        areas = [(code, one.display_name) for code, one in self.areas.items()]
        units = queries.units_in(county.pk, day)
        _offer(self, "area", [("", _("all")), *areas])
        named = [(str(one.public_id), one.display_name) for one in units]
        _offer(self, "unit", [("", _("all")), *named])

    def narrow(self, rows: QuerySet[Observation]) -> QuerySet[Observation]:  # type: ignore[override]
        chosen = self.chosen()
        if code := chosen.get("county"):
            rows = rows.filter(county__code=code)
        if code := chosen.get("area"):
            rows = queries.within(rows, self.areas[code])
        if key := chosen.get("unit"):
            rows = rows.filter(unit__public_id=key)
        if day := chosen.get("ends_by"):
            rows = rows.filter(last_date__lte=day)
        return queries.in_state(rows, chosen.get("state", ""), self.at)


def _offer(form: forms.Form, name: str, choices: Iterable[tuple[str, Any]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)
