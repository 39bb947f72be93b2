"""What is entered of bulletins and of daily reporting."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Model, QuerySet
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from fangkong.core import clock, pages
from fangkong.core.refusals import Refused
from fangkong.packs.types import UnknownCode
from fangkong.surveillance.monitoring import queries as monitoring

from . import queries, rules, words
from .actions import WrongFigures
from .models import Bulletin, DailyReporting
from .types import BulletinState, Split

if TYPE_CHECKING:
    from typing import TypeVar

    from fangkong.accounts.models import User

    M = TypeVar("M", bound=Model)

Choices = list[tuple[str, Any]]


def conditions(day: date) -> Choices:
    """The diseases of which a bulletin may tell on a day, in the order of the pack."""
    language = get_language() or "en"
    pack = monitoring.pack_on(day)
    found: Choices = []
    for row in pack.conditions:
        period = row.period_on(day)
        if period is None:
            continue
        try:
            queries.counting(row.code, day)
        except UnknownCode:
            continue
        found.append((row.code, period.name.in_language(language)))
    return found


class BulletinFilter(pages.FilterForm):
    """The bulletins of a place, a disease, a state."""

    area = forms.ChoiceField(label=gettext_lazy("Place"), required=False)
    condition = forms.ChoiceField(label=gettext_lazy("Disease"), required=False)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("All")), *BulletinState.choices],
    )

    def __init__(self, *args: Any, rows: QuerySet[Bulletin], at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day = clock.day_of(at)
        every = (gettext_lazy("All"),)
        self.fields["area"].choices = [  # type: ignore[attr-defined]
            ("", *every),
            *[(one.code, one.display_short) for one in queries.places_told_of(rows)],
        ]
        known = queries.conditions_told_of(rows)
        self.fields["condition"].choices = [  # type: ignore[attr-defined]
            ("", *every),
            *[(code, words.condition(code, day)) for code in known],
        ]

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.chosen()
        if "area" in chosen:
            rows = rows.filter(area__code=chosen.pop("area"))
        return rows.filter(**chosen)


class PrepareForm(pages.Form):
    """Of which place, disease and day a bulletin is to tell."""

    area = forms.ChoiceField(label=gettext_lazy("Place"))
    condition = forms.ChoiceField(label=gettext_lazy("Disease"))
    day = forms.DateField(
        label=gettext_lazy("Day"),
        widget=forms.DateInput(),
        help_text=gettext_lazy("The figures are those known at 24:00 of this day."),
    )

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        yesterday = clock.day_of(at) - timedelta(days=1)
        kwargs["initial"] = {"day": yesterday, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.places = {one.code: one for one in queries.places_to_tell_of(user, at)}
        offered: Choices = [(code, one.display_name) for code, one in self.places.items()]
        self.fields["area"].choices = offered  # type: ignore[attr-defined]
        self.fields["condition"].choices = conditions(yesterday)  # type: ignore[attr-defined]

    def asked(self) -> dict[str, Any]:
        """What ``actions.prepare`` takes."""
        return {**self.cleaned_data, "area": self.places[self.cleaned_data["area"]]}


def field_of(key: str) -> str:
    """The name of the field of a figure: a key of ``rules.flat`` as a form may have it."""
    return "n-" + key.replace(":", "-").replace("+", "up")


class ChangeForm(pages.Form):
    """Every figure of a draft, the remark, and why."""

    def __init__(self, *args: Any, bulletin: Bulletin, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told, counted = rules.flat(bulletin.figures), rules.flat(queries.counted(bulletin))
        self.keys = {field_of(key): key for key in told}
        self.pack = bulletin.pack
        for name, key in self.keys.items():
            own = counted.get(key)
            self.fields[name] = forms.IntegerField(
                label=_label(key, bulletin.pack),
                required=False,
                min_value=0,
                max_value=rules.MOST,
                initial=told[key],
                help_text=_("counted: %(n)s") % {"n": "–" if own is None else own},
                widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
            )
        for name, language in (("remark_zh", _("in Chinese")), ("remark_en", _("in English"))):
            self.fields[name] = forms.CharField(
                label=_("Remark, %(language)s") % {"language": language},
                required=False,
                max_length=400,
                initial=getattr(bulletin, name),
                widget=forms.Textarea(attrs={"rows": 2}),
                help_text=_("It is published with the text. No names and no numbers of persons."),
            )
        self.fields["reason"] = forms.CharField(
            label=_("Reason"),
            required=False,
            max_length=400,
            help_text=_("Needed where a figure changes: how do you know?"),
        )

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The figures in the order of the page, group by group."""
        found: dict[str, list[forms.BoundField]] = {}
        for name, key in self.keys.items():
            group, sign, _code = key.partition(":")
            found.setdefault(group if sign else "", []).append(self[name])
        return [(_title(group), fields) for group, fields in found.items()]

    def asked(self) -> dict[str, Any]:
        """What ``actions.change`` takes."""
        data = self.cleaned_data
        return {
            "figures": {key: data[name] for name, key in self.keys.items()},
            "remark_zh": data["remark_zh"],
            "remark_en": data["remark_en"],
            "reason": data["reason"],
        }

    def refuse(self, problem: Refused) -> None:
        if not isinstance(problem, WrongFigures):
            super().refuse(problem)
            return
        for key, text in problem.faults:
            name = field_of(key)
            self.add_error(name if name in self.fields else None, text)


def _label(key: str, pack: str) -> str:
    group, sign, code = key.partition(":")
    return words.named(group, code, pack) if sign else words.figure(key, pack)


def _title(group: str) -> str:
    if not group:
        return _("In all")
    if group == "new":
        return _("New cases by county")
    if group == "apart":
        return _("Counted apart")
    return _("Cases in all by: %(split)s") % {"split": Split(group).label}


class ReasonForm(pages.Form):
    """Why a bulletin is corrected or a draft dropped."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=400)


class DailyFilter(pages.Form):
    """Of which disease and day the page tells."""

    condition = forms.ChoiceField(label=gettext_lazy("Disease"), required=False)
    day = forms.DateField(label=gettext_lazy("Day"), required=False, widget=forms.DateInput())

    def __init__(self, *args: Any, orders: list[DailyReporting], day: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = dict.fromkeys(one.condition for one in orders)
        offered = [(code, words.condition(code, day)) for code in known]
        self.fields["condition"].choices = offered  # type: ignore[attr-defined]


class NilForm(pages.Form):
    """A facility, a disease and a day without a case."""

    facility = forms.UUIDField()
    condition = forms.CharField(max_length=60)
    day = forms.DateField()


class OrderForm(pages.Form):
    """From when a disease is reported each day, until which hour, and by what."""

    condition = forms.ChoiceField(label=gettext_lazy("Disease"))
    first_day = forms.DateField(
        label=pgettext_lazy("order of daily reporting", "From"), widget=forms.DateInput()
    )
    due_hour = forms.IntegerField(
        label=gettext_lazy("Due at this hour of the day after"),
        min_value=0,
        max_value=23,
        initial=9,
        help_text=gettext_lazy("A full hour, such as 9 for 09:00."),
    )
    basis = forms.CharField(
        label=gettext_lazy("Ordered by"),
        max_length=200,
        help_text=gettext_lazy("Such as the notice of the headquarters with its number."),
    )

    def __init__(self, *args: Any, day: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"first_day": day})
        super().__init__(*args, **kwargs)
        self.fields["condition"].choices = conditions(day)  # type: ignore[attr-defined]


class EndForm(pages.Form):
    """The last day that is asked for."""

    last_day = forms.DateField(label=gettext_lazy("Last day"), widget=forms.DateInput())
