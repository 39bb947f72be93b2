"""What people enter: whom they look up, the questions of the pack, checkpoints, announced areas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import clock, pages
from fangkong.core.refusals import Refused
from fangkong.packs.types import Question
from fangkong.people.types import DocumentKind
from fangkong.surveillance.monitoring import queries as monitoring

from . import queries, words
from .actions import NotAcceptable
from .models import Arrival, Checkpoint, RiskArea
from .types import (
    ADDRESS,
    HEALTH_CODE,
    LEFT,
    NAME,
    NUMBER,
    ORIGIN,
    PHONE,
    SYMPTOMS,
    ArrivalFacts,
    CheckpointFacts,
    Duty,
    HealthCode,
    State,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Facility

# What stands open on a phone; the other questions of the pack are folded away below.
FIRST = (NAME, NUMBER, PHONE, ADDRESS, ORIGIN, LEFT, SYMPTOMS, HEALTH_CODE)
REQUIRED = (NAME, ADDRESS, ORIGIN, LEFT, SYMPTOMS)
_LARGE = "form-control-lg"
_HELP = {
    ADDRESS: _("With county and township: they say who takes the person over."),
    ORIGIN: _("Province and city, such as 湖北省武汉市; 境外 for abroad."),
}


class FindForm(forms.Form):
    """The one large field of a checkpoint: number, phone or name."""

    text = forms.CharField(
        label=_("Identity number, phone or name"),
        max_length=100,
        widget=forms.TextInput(
            {
                "autocomplete": "off",
                "autofocus": True,
                "enterkeyhint": "search",
                "spellcheck": "false",
                "class": _LARGE,
            }
        ),
    )


class AskForm(pages.Form):
    """The questions that are still to be put to somebody; each field is named as in the pack."""

    visit = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, questions: Sequence[Question], visit: UUID, at: datetime, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.at, self.questions = at, list(questions)
        order = {code: n for n, code in enumerate(FIRST)}
        self.questions.sort(key=lambda row: order.get(row.code, len(FIRST)))
        self.initial.setdefault("visit", visit)
        for row in self.questions:
            self.fields[row.code] = self._field(row)
            if row.code == NUMBER:
                self.fields["id_kind"] = forms.ChoiceField(
                    label=_("Kind of document"),
                    choices=[one for one in DocumentKind.choices if one[0] != DocumentKind.NONE],
                    required=False,
                )
        self.fields["temperature"] = forms.DecimalField(
            label=_("Temperature in °C"),
            required=False,
            min_value=30,
            max_value=45,
            decimal_places=1,
            widget=forms.NumberInput({"inputmode": "decimal", "step": "0.1", "class": _LARGE}),
        )
        self.fields["arrived_at"] = forms.DateTimeField(
            label=_("Arrived"),
            required=False,
            input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
            widget=forms.DateTimeInput({"class": _LARGE}),
            help_text=_("Only where it was not just now."),
        )

    def refuse(self, problem: Refused) -> None:
        """What is wrong with an answer that was not asked for is told at the top, with its name."""
        if not isinstance(problem, NotAcceptable):
            super().refuse(problem)
            return
        every = {row.code: row for row in queries.questions_on(clock.day_of(self.at))}
        for field, text in problem.faults:
            if field in self.fields or field not in every:
                self.add_error(field if field in self.fields else None, text)
                continue
            said = {"question": words.question(every[field]), "text": text}
            self.add_error(
                None, _("%(question)s: %(text)s It is known here: ask it again above.") % said
            )

    def _field(self, row: Question) -> forms.Field:
        said: dict[str, Any] = {
            "label": words.question(row),
            "required": row.code in REQUIRED,
            "help_text": _HELP.get(row.code, ""),
        }
        attrs = {"autocomplete": "off", "class": _LARGE}
        if row.answer == "day":
            today = clock.day_of(self.at).isoformat()
            return forms.DateField(**said, widget=forms.DateInput({**attrs, "max": today}))
        if row.answer == "yes-no":
            choices = [("no", words.YES_NO["no"]), ("yes", words.YES_NO["yes"])]
            return forms.ChoiceField(**said, choices=choices, widget=forms.RadioSelect)
        if row.answer == "choice":
            colours = [] if said["required"] else [("", "–")]
            return forms.ChoiceField(
                **said,
                choices=[*colours, *HealthCode.choices],
                widget=forms.Select({"class": "form-select-lg"}),
            )
        if row.answer == "number":
            return forms.IntegerField(
                **said, min_value=0, max_value=999, widget=forms.NumberInput(attrs)
            )
        if row.answer == "phone":
            attrs["inputmode"] = "tel"
        if row.answer == "area":
            attrs["list"] = "origins"
        return forms.CharField(**said, max_length=300, widget=forms.TextInput(attrs))

    @property
    def first_fields(self) -> list[forms.BoundField]:
        """What stands open."""
        codes = {row.code for row in self.questions if row.code in FIRST}
        names = [name for name in self.fields if name in codes or name == "id_kind"]
        return [self[name] for name in [*names, "temperature"]]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """What is folded away."""
        shown = {field.name for field in self.first_fields}
        return [one for one in self.visible_fields() if one.name not in shown]

    @property
    def more_open(self) -> bool:
        """Is something wrong with what is folded away?"""
        return any(field.errors for field in self.more_fields) if self.is_bound else False

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        answers = {}
        for row in self.questions:
            value = said.get(row.code)
            if value not in (None, ""):
                answers[row.code] = value.isoformat() if isinstance(value, date) else str(value)
        warm = said.get("temperature")
        facts = ArrivalFacts(
            answers=answers,
            shown=tuple(row.code for row in self.questions),
            visit=said["visit"],
            id_kind=said.get("id_kind") or DocumentKind.RESIDENT_ID.value,
            temperature=None if warm is None else round(warm * 10),
            arrived_at=said.get("arrived_at"),
        )
        return {"facts": facts}


class RevealForm(pages.Form):
    """Why the answers are needed in full."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        help_text=_("No names and no numbers of persons: the reason stays in the audit trail."),
    )


class StepForm(pages.Form):
    """A step without words of its own."""


class ReasonForm(pages.Form):
    """Why an arrival is withdrawn, or what was done to find the person."""

    reason = forms.CharField(label=_("Reason"), max_length=400)


HOURS = [("", "–"), *((str(n), f"{n}:00") for n in range(25))]


class CheckpointForm(pages.Form):
    """Where a checkpoint stands and what is done there."""

    facility = forms.ChoiceField(label=_("Place"))
    road = forms.CharField(
        label=_("Road"), max_length=100, required=False, help_text=_("Such as G318, eastward.")
    )
    duties = forms.MultipleChoiceField(
        label=_("Duties"),
        choices=Duty.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    opens = forms.TypedChoiceField(
        label=_("Opens at"), choices=HOURS, coerce=int, empty_value=None, required=False,
        help_text=_("Both empty: day and night."),
    )  # fmt: skip
    closes = forms.TypedChoiceField(
        label=_("Closes at"), choices=HOURS, coerce=int, empty_value=None, required=False
    )

    def __init__(
        self,
        *args: Any,
        free: Iterable[Facility] = (),
        checkpoint: Checkpoint | None = None,
        **kwargs: Any,
    ) -> None:
        if checkpoint is not None:
            names = ("road", "duties", "opens", "closes")
            kwargs["initial"] = {name: getattr(checkpoint, name) for name in names}
        super().__init__(*args, **kwargs)
        self.free = {str(one.public_id): one for one in free}
        if checkpoint is not None:
            del self.fields["facility"]
        else:
            _offer(self, "facility", [(key, one.display_name) for key, one in self.free.items()])

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        facts = CheckpointFacts(
            road=said["road"],
            duties=tuple(said["duties"]),
            opens=said["opens"],
            closes=said["closes"],
        )
        where = {"facility": self.free[said["facility"]]} if "facility" in said else {}
        return {"facts": facts, **where}


class RiskAreaForm(pages.Form):
    """An area that was announced for a tier."""

    area = forms.CharField(
        label=_("Area"),
        max_length=60,
        widget=forms.TextInput({"list": "origins", "autocomplete": "off"}),
        help_text=_HELP[ORIGIN],
    )
    tier = forms.ChoiceField(label=_("Tier of origin"))
    valid_from = forms.DateField(label=_("From"), widget=forms.DateInput())
    valid_to = forms.DateField(label=_("To"), required=False, widget=forms.DateInput())
    source = forms.CharField(label=_("Announcement"), max_length=200)

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day = clock.day_of(at)
        rows = [row for row in queries.tiers_on(day) if not row.signs and not row.everybody]
        pack = queries.pack_on(day).id if rows else ""
        _offer(self, "tier", [(row.code, words.tier(pack, row.code)) for row in rows])
        self.initial.setdefault("valid_from", day)


class EndAnnouncementForm(pages.Form):
    """Until when an area is announced."""

    valid_to = forms.DateField(label=_("Last day"), widget=forms.DateInput())

    def __init__(self, *args: Any, risk_area: RiskArea, at: datetime, **kwargs: Any) -> None:
        last = risk_area.valid_to or max(clock.day_of(at), risk_area.valid_from)
        super().__init__(*args, initial={"valid_to": last}, **kwargs)


class ArrivalFilter(pages.FilterForm):
    """The filters of the list of arrivals."""

    state = forms.ChoiceField(
        label=_("State"),
        choices=[
            ("", _("all")),
            *State.choices,
            ("withdrawn", pgettext_lazy("arrivals", "withdrawn")),
        ],
        required=False,
    )
    county = forms.ChoiceField(label=_("Goes to"), required=False)
    tier = forms.ChoiceField(label=_("Tier of origin"), required=False)
    checkpoint = forms.ChoiceField(label=_("Checkpoint"), required=False)
    first = forms.DateField(label=_("Arrived from"), required=False, widget=forms.DateInput())
    last = forms.DateField(label=_("Arrived until"), required=False, widget=forms.DateInput())

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day = clock.day_of(at)
        counties = monitoring.home_counties(day)
        named = [(one.code, one.display_short) for one in counties]
        _offer(self, "county", [("", _("all")), *named])
        rows = queries.tiers_on(day)
        pack = queries.pack_on(day).id if rows else ""
        tiers = [(row.code, words.tier(pack, row.code)) for row in rows]
        _offer(self, "tier", [("", _("all")), *tiers, ("none", _("no tier"))])
        posts = queries.checkpoints_open_to(user, at).order_by("facility__name_zh", "pk")
        shown = [(str(one.public_id), one.facility.display_name) for one in posts]
        _offer(self, "checkpoint", [("", _("all")), *shown])

    def narrow(self, rows: QuerySet[Arrival]) -> QuerySet[Arrival]:  # type: ignore[override]
        chosen = self.chosen()
        state = chosen.get("state", "")
        rows = rows.filter(withdrawn_at__isnull=state != "withdrawn")
        if state and state != "withdrawn":
            rows = rows.filter(state=state)
        if code := chosen.get("county"):
            rows = rows.filter(county__code=code)
        if tier := chosen.get("tier"):
            rows = rows.filter(tier="" if tier == "none" else tier)
        if key := chosen.get("checkpoint"):
            rows = rows.filter(checkpoint__public_id=key)
        if first := chosen.get("first"):
            rows = rows.filter(arrived_date__gte=first)
        if last := chosen.get("last"):
            rows = rows.filter(arrived_date__lte=last)
        return rows


class DaysForm(forms.Form):
    """How many days the figures go back."""

    days = forms.TypedChoiceField(
        label=_("Days shown"),
        choices=[("7", "7"), ("14", "14"), ("28", "28")],
        coerce=int,
        required=False,
        empty_value=None,
    )


def days_asked(form: DaysForm) -> int:
    """The days chosen; the usual ones where nothing can be read."""
    chosen = form.cleaned_data.get("days") if form.is_valid() else None
    return int(chosen or queries.FIGURE_DAYS)


class CheckpointFilter(pages.FilterForm):
    """The filters of the list of checkpoints."""

    name = pages.SearchField(label=_("Place or road"), placeholder=_("Name, pinyin or road"))
    county = forms.ChoiceField(label=_("County"), required=False)
    state = forms.ChoiceField(
        label=_("State"),
        choices=[("", _("all")), ("open", _("works")), ("closed", _("closed"))],
        required=False,
    )

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counties = monitoring.home_counties(clock.day_of(at))
        _offer(
            self, "county", [("", _("all")), *((one.code, one.display_short) for one in counties)]
        )

    def narrow(self, rows: QuerySet[Checkpoint]) -> QuerySet[Checkpoint]:  # type: ignore[override]
        chosen = self.chosen()
        if text := chosen.get("name", "").strip():
            named = pages.named_like(rows, text, "facility__search_text")
            rows = named | rows.filter(road__icontains=text)
        if code := chosen.get("county"):
            rows = rows.filter(county__code=code)
        if state := chosen.get("state"):
            rows = rows.filter(closed_at__isnull=state == "open")
        return rows


class RiskAreaFilter(pages.FilterForm):
    """The filters of the announced areas."""

    area = pages.SearchField(label=_("Area or announcement"))
    tier = forms.ChoiceField(label=_("Tier of origin"), required=False)
    on = forms.DateField(label=_("Stands on"), required=False, widget=forms.DateInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(code, words.tier(pack, code)) for code, pack in queries.tiers_announced().items()]
        _offer(self, "tier", [("", _("all")), *named])

    def narrow(self, rows: QuerySet[RiskArea]) -> QuerySet[RiskArea]:  # type: ignore[override]
        chosen = self.chosen()
        if text := chosen.get("area", "").strip():
            within = Q(name__icontains=text) | Q(source__icontains=text) | Q(code__startswith=text)
            rows = rows.filter(within)
        if tier := chosen.get("tier"):
            rows = rows.filter(tier=tier)
        if day := chosen.get("on"):
            rows = rows.filter(queries.stands_on(day))
        return rows


def _offer(form: forms.Form, name: str, choices: Iterable[tuple[str, Any]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)
