"""The steps of setting up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.core.imports import columns
from fangkong.core.sentences import listed
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce
from fangkong.places import rules

from .types import areas

USERNAME = r"^[a-z][a-z0-9._-]{2,59}$"


class WhereForm(pages.Form):
    """The country's pack, the language, and whom the house serves."""

    region = forms.ChoiceField(label=_("Country"))
    language = forms.ChoiceField(label=_("First language"), choices=settings.LANGUAGES)
    area = forms.RegexField(
        r"^[0-9]{6}$",
        label=_("Code of the prefecture or county"),
        help_text=_("Six digits by GB/T 2260, such as 513200 for Aba."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": _("The code has six digits.")},
    )

    def __init__(self, data: Any, *, today: date, initial: Any = None) -> None:
        super().__init__(data, initial=initial or {"language": get_language()})
        self._today = today
        zh = (get_language() or "").startswith("zh")
        field = self.fields["region"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(r.code, r.name.zh if zh else r.name.en) for r in packs.regions()]

    def clean_area(self) -> str:
        code: str = self.cleaned_data["area"]
        if rules.level_of(code) not in ("prefecture", "county"):
            raise forms.ValidationError(_("This is no code of a prefecture or county."))
        if not rules.has_province(code):
            raise forms.ValidationError(
                _("No province has a code that begins with %(digits)s. Compare the code.")
                % {"digits": code[:2]}
            )
        try:
            packs.in_force(code, self._today)
        except NoPackInForce:
            raise forms.ValidationError(
                _("No rule pack is for this code today. Put one into the folder of FANGKONG_PACKS.")
            ) from None
        return code


class PlacesForm(pages.Form):
    """The file of the areas."""

    file = forms.FileField(
        label=_("File with the areas"),
        required=False,
        help_text=_(
            "CSV or XLSX with a line for each county: code, name and, where you have them, "
            "people. Headings may be Chinese or English."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,.xls,.ods"}),
    )

    def __init__(self, data: Any, files: Any = None, *, needed: bool) -> None:
        super().__init__(data, files)
        self.fields["file"].required = needed


class ColumnsForm(pages.Form):
    """Which column is which field."""

    def __init__(self, data: Any, *, headings: Sequence[str], samples: Sequence[str]) -> None:
        super().__init__(data)
        offered = [("", _("is not read")), *[(f.name, f.label) for f in areas().fields]]
        guessed = columns.matched(headings, areas().known())
        for number, (heading, guess) in enumerate(zip(headings, guessed, strict=True)):
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=heading or _("Column %(n)s") % {"n": number + 1},
                choices=offered,
                required=False,
                initial=guess,
                help_text=samples[number],
            )

    def chosen(self) -> list[str]:
        """The field of each column."""
        return [self.cleaned_data[name] for name in self.fields]

    def clean(self) -> dict[str, Any]:
        clean = super().clean() or {}
        chosen = [clean.get(name, "") for name in self.fields]
        labels = {f.name: str(f.label) for f in areas().fields}
        if missing := columns.missing(chosen, areas().required()):
            self.add_error(
                None,
                _("No column is: %(names)s.") % {"names": listed(labels[n] for n in missing)},
            )
        if twice := columns.twice(chosen):
            self.add_error(
                None,
                _("Two columns are: %(names)s.") % {"names": listed(labels[n] for n in twice)},
            )
        return clean


class HospitalForm(pages.Form):
    """The first county and the hospital whose reporter sends the first card."""

    county = forms.ChoiceField(label=_("First county"))
    hospital = forms.CharField(
        label=_("Chinese name of its hospital"), min_length=2, max_length=100
    )

    def __init__(self, data: Any, *, counties: Mapping[str, str], initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["county"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(code, f"{name} ({code})") for code, name in counties.items()]


def _name(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=60)


def _username() -> forms.RegexField:
    return forms.RegexField(
        USERNAME,
        label=_("User name"),
        help_text=_("3 to 60 small Latin letters, digits, dots or hyphens; begins with a letter."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )


def _password(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class StaffForm(pages.Form):
    """The first two accounts. Nothing of this step is kept before the house is made."""

    admin = _username()
    admin_name = _name(pgettext_lazy("person", "Name"))
    admin_password = _password(_("Password"), _("At least 12 characters, none that is common."))
    admin_again = _password(_("The same again"))
    clerk = _username()
    clerk_name = _name(pgettext_lazy("person", "Name"))
    clerk_password = _password(_("Password"), _("At least 12 characters, none that is common."))
    clerk_again = _password(_("The same again"))

    def clean(self) -> dict[str, Any]:
        clean = super().clean() or {}
        if clean.get("admin") and clean.get("admin") == clean.get("clerk"):
            self.add_error("clerk", _("This user name is taken. Choose another."))
        for who in ("admin", "clerk"):
            password, again = clean.get(f"{who}_password"), clean.get(f"{who}_again")
            if password and again is not None and password != again:
                self.add_error(f"{who}_again", _("The two passwords differ."))
            if password and not password.isprintable():
                self.add_error(f"{who}_password", _("A password holds no line breaks or tabs."))
            elif password:
                named = get_user_model()(
                    username=clean.get(who, ""), name=clean.get(f"{who}_name", "")
                )
                try:
                    validate_password(password, named)
                except forms.ValidationError as problem:
                    self.add_error(f"{who}_password", problem)
        return clean
