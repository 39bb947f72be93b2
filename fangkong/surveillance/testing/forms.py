"""What people enter: a request, the steps of tubes, results, and the filters of the list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, pages
from fangkong.core.refusals import Refused
from fangkong.packs.types import Row
from fangkong.people.types import Document, DocumentKind, PhoneNumber, Registration

from . import labels, queries, rules, words
from .actions import NotAcceptable
from .models import Finding, Pool, Specimen
from .types import PoolFacts, PoolState, RequestFacts, ResultFacts, ResultOutcome, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.models import Person
    from fangkong.places.models import Facility
    from fangkong.surveillance.monitoring.models import Case

Choices = list[tuple[str, str]]


class NumberField(forms.CharField):
    """The number of a tube: typed, or sent by a hand scanner, which ends it with Enter."""

    def __init__(self, **kwargs: Any) -> None:
        hints: dict[str, object] = {
            "autocomplete": "off",
            "autocapitalize": "characters",
            "spellcheck": "false",
            "data-scan": "",  # a camera may fill it, where the browser reads barcodes
        }
        kwargs.setdefault("widget", forms.TextInput({**hints, "enterkeyhint": "done"}))
        super().__init__(max_length=80, **kwargs)


class RequestForm(pages.Form):
    """Ask for a test of a person, for a case, or of a surface."""

    condition = forms.ChoiceField(label=_("Disease"))
    group = forms.ChoiceField(
        label=_("Group tested"), help_text=_("It says how soon the result is promised.")
    )
    specimen_type = forms.ChoiceField(label=_("Specimen"))
    site = forms.CharField(
        label=_("Surface"),
        max_length=100,
        required=False,
        help_text=_("Such as “door handle of ward 3”."),
    )
    onset_date = forms.DateField(
        label=_("Onset"),
        required=False,
        widget=forms.DateInput(),
        help_text=_("The first day of illness. Empty for somebody without symptoms."),
    )
    facility = pages.RecordField(label=_("Requested by"))
    laboratory = pages.RecordField(label=_("Laboratory"))
    number = NumberField(
        label=_("Number of the tube"),
        required=False,
        help_text=_("Scan a tube that brought its own number. Empty: the house gives one."),
    )
    collected_at = pages.MomentField(
        label=_("Collected"), help_text=_("Only where the tube is full already.")
    )

    def __init__(
        self,
        *args: Any,
        user: User,
        at: datetime,
        person: Person | None,
        case: Case | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.case = person, case
        day = clock.day_of(at)
        pack = queries.pack_on(day)
        testing, language = pack.testing, get_language() or "en"
        conditions = [
            (one.code, period.name.in_language(language))
            for one in pack.conditions
            if (period := one.period_on(day)) is not None
        ]
        types = [one for one in testing.specimens if one.of_person == (person is not None)]
        _offer(self, "condition", conditions)
        groups = [one for one in testing.groups if one.of_person == (person is not None)]
        _offer(self, "group", _promising(groups, at))
        _offer(self, "specimen_type", named(types, at))
        if person is None:
            del self.fields["onset_date"]
            self.fields["site"].required = True
        else:
            del self.fields["site"]
        facilities = queries.facilities_to_request_for(user, at)
        self._facilities("facility", facilities)
        self._facilities("laboratory", queries.laboratories(user, at))
        tested = sorted({one.condition for one in testing.judgements})
        if case is not None:
            self.initial.setdefault("condition", case.condition)
            self.initial.setdefault("onset_date", case.onset_date)
        elif tested:
            self.initial.setdefault("condition", tested[0])

    def refuse(self, problem: Refused) -> None:
        if getattr(problem, "field", "") == "done_at":
            self.add_error("collected_at", str(problem))
            return
        super().refuse(problem)

    def _facilities(self, name: str, rows: QuerySet[Facility]) -> None:
        field = cast(pages.RecordField, self.fields[name])
        field.queryset = rows
        if len(likely := list(rows[:2])) == 1:
            self.initial.setdefault(name, likely[0].public_id)

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        facts = RequestFacts(
            condition=said["condition"],
            group=said["group"],
            specimen_type=said["specimen_type"],
            onset_date=said.get("onset_date"),
            site=said.get("site", ""),
        )
        return {
            "facts": facts,
            "person": self.person,
            "case": self.case,
            "facility": said["facility"],
            "laboratory": said["laboratory"],
            "number": said["number"],
            "collected_at": said["collected_at"],
        }


class CollectForm(pages.Form):
    """The tube is full."""

    number = NumberField(
        label=_("Number of the tube"),
        required=False,
        help_text=_("Only where the tube brought its own."),
    )
    done_at = pages.MomentField(label=_("Collected"), help_text=_("Now, where it is left empty."))


class ShipForm(pages.Form):
    """The tube leaves."""

    laboratory = pages.RecordField(label=_("To the laboratory"))
    done_at = pages.MomentField(label=_("Shipped"), help_text=_("Now, where it is left empty."))

    def __init__(
        self, *args: Any, specimen: Specimen, user: User, at: datetime, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        cast(pages.RecordField, self.fields["laboratory"]).queryset = queries.laboratories(user, at)
        self.initial.setdefault("laboratory", specimen.laboratory.public_id)


class ReceiveForm(pages.Form):
    """The tube is here."""

    done_at = pages.MomentField(
        label=pgettext_lazy("of a specimen", "Received"),
        help_text=_("Now, where it is left empty."),
    )


class EndForm(pages.Form):
    """Why the way of a tube ends."""

    reason = forms.CharField(label=_("Reason"), max_length=400)


class WithdrawForm(EndForm):
    """Why a reported result is taken back, and which one."""

    replaces = forms.IntegerField(min_value=1, widget=forms.HiddenInput())


class ScanForm(pages.Form):
    """One tube after the other, by a hand scanner or the keyboard."""

    number = NumberField(label=_("Number of the tube"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].widget.attrs["autofocus"] = True


class OpenPoolForm(pages.Form):
    """What a tube of many is for; the next one is most likely as the last."""

    number = NumberField(
        label=_("Number of the tube"),
        required=False,
        help_text=_("Scan a tube that brought its own number. Empty: the house gives one."),
    )
    rule = forms.ChoiceField(label=_("Kind of pool"))
    group = forms.ChoiceField(label=_("Group tested"))
    condition = forms.ChoiceField(label=_("Disease"))
    specimen_type = forms.ChoiceField(label=_("Specimen"))
    facility = pages.RecordField(label=_("Requested by"))
    laboratory = pages.RecordField(label=_("Laboratory"))

    def __init__(
        self, *args: Any, user: User, at: datetime, last: Pool | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].widget.attrs["autofocus"] = True
        day = clock.day_of(at)
        pack = queries.pack_on(day)
        language = get_language() or "en"
        self.allowed = rules.pools(pack, day)
        groups = {code for one in self.allowed for code in one.groups}
        types = {code for one in self.allowed for code in one.specimens}
        testing = pack.testing
        tested = {one.condition for one in testing.judgements}
        _offer(self, "rule", named(self.allowed, at))
        _offer(self, "group", _promising([o for o in testing.groups if o.code in groups], at))
        _offer(self, "specimen_type", named([o for o in testing.specimens if o.code in types], at))
        _offer(
            self,
            "condition",
            [
                (one.code, period.name.in_language(language))
                for one in pack.conditions
                if one.code in tested and (period := one.period_on(day)) is not None
            ],
        )
        for name, rows in (
            ("facility", queries.facilities_to_request_for(user, at)),
            ("laboratory", queries.laboratories(user, at)),
        ):
            cast(pages.RecordField, self.fields[name]).queryset = rows
            if len(likely := list(rows[:2])) == 1:
                self.initial.setdefault(name, likely[0].public_id)
        if last is not None:
            self.initial = {
                **self.initial,
                "rule": last.rule,
                "group": last.test_group,
                "condition": last.condition,
                "specimen_type": last.specimen_type,
                "facility": last.facility.public_id,
                "laboratory": last.laboratory.public_id,
            }

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        names = ("condition", "rule", "group", "specimen_type")
        return {
            "facts": PoolFacts(**{name: said[name] for name in names}),
            **{name: said[name] for name in ("facility", "laboratory", "number")},
        }


class NextPoolForm(pages.Form):
    """The next tube, for the same as the one before."""

    number = NumberField(
        label=_("Number of the next tube"),
        required=False,
        help_text=_("Empty: the house gives one."),
    )


class MemberForm(pages.Form):
    """The next person into the tube: scanned by a request, a document or a phone, or by name."""

    number = NumberField(
        label=_("Next person"),
        help_text=_("Number of the request, document or phone, or a name."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].widget.attrs["autofocus"] = True


class NewMemberForm(pages.Form):
    """Somebody whom the register does not know yet, in as few words as will do."""

    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=100)
    id_kind = forms.ChoiceField(label=_("Kind of document"))
    id_number = forms.CharField(
        label=_("Document number"),
        max_length=40,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    phone = forms.CharField(
        label=_("Phone number"),
        max_length=20,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "tel"}),
    )
    address = forms.CharField(
        label=_("Address"),
        max_length=300,
        required=False,
        help_text=_("With county and township, where the person lives in another one."),
    )

    def __init__(self, *args: Any, pool: Pool, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pool, self.at = pool, at
        kinds = [one for one in DocumentKind.choices if one[0] != DocumentKind.NONE]
        _offer(self, "id_kind", kinds)

    def asked(self) -> dict[str, object]:
        """What the action takes; without an address the person belongs to the pool's county."""
        said = self.cleaned_data
        number, address = said["id_number"], said["address"]
        area = queries.area_in(address, self.at) if address else None
        stated = Registration(
            name=said["name"],
            area=area or self.pool.county or self.pool.area,
            address_detail=address,
            documents=(Document(said["id_kind"], number),) if number else (),
            phones=(PhoneNumber(said["phone"]),) if said["phone"] else (),
            synthetic=self.pool.synthetic,
        )
        return {"stated": stated}


class TakeOutForm(pages.Form):
    """Who was scanned by mistake, and why."""

    specimen = forms.UUIDField(widget=forms.HiddenInput())
    reason = forms.CharField(label=_("Reason"), max_length=400)


class PoolShipForm(pages.Form):
    """The pool leaves."""

    laboratory = pages.RecordField(label=_("To the laboratory"))
    done_at = pages.MomentField(label=_("Shipped"), help_text=_("Now, where it is left empty."))

    def __init__(self, *args: Any, pool: Pool, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(pages.RecordField, self.fields["laboratory"]).queryset = queries.laboratories(user, at)
        self.initial.setdefault("laboratory", pool.laboratory.public_id)


class PoolFilter(pages.FilterForm):
    """The filters of the list of pools."""

    number = NumberField(label=_("Number"), required=False)
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("all")), *PoolState.choices], required=False
    )
    outcome = forms.ChoiceField(
        label=_("Result"), choices=[("", _("all")), *ResultOutcome.choices], required=False
    )

    def narrow(self, rows: QuerySet[Pool]) -> QuerySet[Pool]:  # type: ignore[override]
        chosen = self.chosen()
        if number := chosen.get("number"):
            rows = rows.filter(number=rules.plain_number(number))
        for name in ("state", "outcome"):
            if chosen.get(name):
                rows = rows.filter(**{name: chosen[name]})
        return rows


class ResultForm(pages.Form):
    """What the laboratory found; Ct values as people write them, with two decimals at most."""

    method = forms.ChoiceField(label=_("Method"))
    outcome = forms.ChoiceField(
        label=_("Result"), choices=ResultOutcome.choices, widget=forms.RadioSelect()
    )
    tested_at = pages.MomentField(
        label=pgettext_lazy("of a specimen", "Tested"), help_text=_("Now, where it is left empty.")
    )
    reason = forms.CharField(label=_("Reason of the correction"), max_length=400)
    replaces = forms.IntegerField(min_value=1, widget=forms.HiddenInput())

    def __init__(
        self,
        *args: Any,
        condition: str,
        at: datetime,
        corrects: Finding | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        testing = queries.pack_on(clock.day_of(at)).testing
        day = clock.day_of(at)
        _offer(self, "method", named([m for m in testing.methods if m.tests_for(condition)], at))
        methods = [one for one in testing.methods if one.covers(day) and one.has_ct]
        self.targets = list(dict.fromkeys(t for one in methods for t in one.targets_for(condition)))
        for target in self.targets:
            self.fields[f"ct_{target}"] = forms.DecimalField(
                label=_("Ct value, %(target)s") % {"target": target},
                required=False,
                max_digits=4,
                decimal_places=2,
                min_value=Decimal("0.01"),
                max_value=Decimal(rules.HIGHEST_CT) / 100,
            )
        if corrects is None:
            del self.fields["reason"], self.fields["replaces"]
            return
        # A reported result cannot become invalid, and keeps its moment unless another is given.
        kept = [one for one in ResultOutcome.choices if one[0] != ResultOutcome.INVALID]
        _offer(self, "outcome", kept)
        self.fields["tested_at"].help_text = ""
        said: dict[str, Any] = {
            "method": corrects.method,
            "outcome": corrects.outcome,
            "tested_at": corrects.tested_at,
            "replaces": corrects.sequence,
            **{f"ct_{name}": Decimal(value) / 100 for name, value in corrects.ct.items()},
        }
        self.initial = {**said, **self.initial}

    @property
    def ct_fields(self) -> list[forms.BoundField]:
        return [self[f"ct_{target}"] for target in self.targets]

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        ct = {
            target: int(value * 100)
            for target in self.targets
            if (value := said.get(f"ct_{target}")) is not None
        }
        facts = ResultFacts(
            method=said["method"], outcome=said["outcome"], ct=ct, tested_at=said["tested_at"]
        )
        more: dict[str, object] = {
            name: said[name] for name in ("reason", "replaces") if name in said
        }
        return {"facts": facts, **more}

    def refuse(self, problem: Refused) -> None:
        if isinstance(problem, NotAcceptable) and self.targets:
            for field, text in problem.faults:
                name = f"ct_{self.targets[0]}" if field == "ct" else field
                self.add_error(name if name in self.fields else None, text)
            return
        super().refuse(problem)


class SpecimenFilter(pages.FilterForm):
    """The filters of the list of specimens."""

    number = NumberField(label=_("Number"), required=False)
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("all")), *State.choices], required=False
    )
    outcome = forms.ChoiceField(
        label=_("Result"), choices=[("", _("all")), *ResultOutcome.choices], required=False
    )
    clock = forms.ChoiceField(
        label=_("Promise"),
        choices=[("", _("all")), ("overdue", _("overdue")), ("late", _("reported late"))],
        required=False,
    )
    laboratory = forms.ChoiceField(label=_("Laboratory"), required=False)
    first = forms.DateField(label=_("Requested from"), required=False, widget=forms.DateInput())
    last = forms.DateField(label=_("to"), required=False, widget=forms.DateInput())

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at
        boards = [(str(one.public_id), one.display_name) for one in queries.boards(user, at)]
        _offer(self, "laboratory", [("", _("all")), *boards])

    def narrow(self, rows: QuerySet[Specimen]) -> QuerySet[Specimen]:  # type: ignore[override]
        chosen = self.chosen()
        if number := chosen.get("number"):
            rows = rows.filter(number=rules.plain_number(number))
        for name in ("state", "outcome"):
            if chosen.get(name):
                rows = rows.filter(**{name: chosen[name]})
        if laboratory := chosen.get("laboratory"):
            rows = rows.filter(laboratory__public_id=laboratory)
        if first := chosen.get("first"):
            rows = rows.filter(created_at__gte=clock.start_of(first))
        if last := chosen.get("last"):
            rows = rows.filter(created_at__lt=clock.next_day(clock.start_of(last)))
        return queries.by_promise(rows, chosen.get("clock", ""), self.at)


class LabelsForm(forms.Form):
    """Which labels, of which size, and how many of each."""

    specimen = forms.UUIDField(required=False)
    pool = forms.UUIDField(required=False)
    size = forms.ChoiceField(choices=[(one, one) for one in labels.SIZES], required=False)
    copies = forms.IntegerField(min_value=1, max_value=24, required=False)


class BoardForm(pages.Form):
    """Whose board is shown."""

    laboratory = forms.ChoiceField(label=_("Laboratory"), required=False)

    def __init__(self, *args: Any, laboratories: Iterable[Facility], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.laboratories = {str(one.public_id): one for one in laboratories}
        _offer(self, "laboratory", [(k, one.display_name) for k, one in self.laboratories.items()])

    def chosen(self) -> Facility | None:
        """The laboratory asked for among those offered, or the first of them."""
        asked = self.cleaned_data.get("laboratory") if self.is_valid() else ""
        first = next(iter(self.laboratories.values()), None)
        return self.laboratories.get(asked or "", first)


def named(rows: Iterable[Row], at: datetime) -> Choices:
    """Lines of a pack that hold on a day, as choices."""
    language, day = get_language() or "en", clock.day_of(at)
    return [(row.code, row.name.in_language(language)) for row in rows if row.covers(day)]


def _promising(groups: Iterable[Any], at: datetime) -> Choices:
    """The groups with the hours in which their result is promised."""
    language, day = get_language() or "en", clock.day_of(at)
    return [
        (one.code, words.promise(one.name.in_language(language), one.hours))
        for one in groups
        if one.covers(day)
    ]


def _offer(form: forms.Form, name: str, choices: Iterable[tuple[str, Any]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)
