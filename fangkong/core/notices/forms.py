"""Forms of one's choices, and of a way out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import outbound, pages
from fangkong.core.refusals import Refused

from . import types
from .models import Channel, Following, Quiet, Way


def _clock() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class QuietForm(pages.Form):
    first = forms.TimeField(
        label=_("Quiet from"),
        required=False,
        widget=_clock(),
        help_text=_("For messages to your own address; a group is told at once."),
    )
    last = forms.TimeField(label=_("Quiet until"), required=False, widget=_clock())
    language = forms.ChoiceField(label=_("Language of messages"), choices=settings.LANGUAGES)
    urgent_breaks = forms.BooleanField(
        label=_("Urgent notices come all the same"),
        required=False,
        help_text=_("Such as an overdue task or a single case that raises a signal."),
    )

    def __init__(self, data: Any, quiet: Quiet) -> None:
        shown = {
            "first": quiet.first,
            "last": quiet.last,
            "urgent_breaks": quiet.urgent_breaks,
            "language": quiet.language or settings.LANGUAGE_CODE,
        }
        super().__init__(data, initial=shown)

    def clean(self) -> dict[str, Any]:
        """Both ends or neither: half of the hours would keep nothing quiet."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("first", "last"):
            other = "last" if name == "first" else "first"
            if cleaned.get(other) and not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("Fill in both times, or leave both empty."))
        if cleaned.get("first") and cleaned.get("first") == cleaned.get("last"):
            self.add_error(
                "last",
                _("Both times are the same: nothing would be quiet. Choose another end."),
            )
        return cleaned


class FollowForm(pages.Form):
    address = forms.CharField(label=_("Your address there"), max_length=254)
    kinds = forms.MultipleChoiceField(
        label=_("Kinds"), required=False, widget=forms.CheckboxSelectMultiple()
    )
    only_urgent = forms.BooleanField(label=_("Only what is urgent"), required=False)

    def __init__(self, data: Any, channel: Channel, following: Following | None) -> None:
        offered = [(k.code, k.words) for k in types.kinds().values() if k != types.TEST]
        super().__init__(
            data,
            initial={
                "address": str(following.address) if following else "",
                "kinds": following.kinds if following else [code for code, _words in offered],
                "only_urgent": bool(following and following.only_urgent),
            },
        )
        kinds = self.fields["kinds"]
        assert isinstance(kinds, forms.ChoiceField)
        kinds.choices = offered
        if channel.way == Way.MAIL:
            self.fields["address"] = forms.EmailField(label=_("Your e-mail address"))
            self.order_fields(["address", "kinds", "only_urgent"])
        elif channel.way == Way.GATEWAY:
            self.fields["address"].label = _("Your phone number")
        else:
            self.fields["address"].widget = forms.HiddenInput()
            self.fields["address"].required = False


class ChannelForm(pages.Form):
    label = forms.CharField(label=pgettext_lazy("thing", "Name"), max_length=60)
    way = forms.ChoiceField(label=pgettext_lazy("notice", "Way"), choices=Way.choices)
    url = forms.CharField(
        label=_("Address of the robot or gateway"),
        max_length=500,
        required=False,
        help_text=_("Empty for e-mail: its server stands in the settings of the operator."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    secret = forms.CharField(
        label=_("Signing secret"),
        max_length=200,
        required=False,
        help_text=_("Kept encrypted like the address; neither is shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """The address must be one that the guard lets out; before anything is written."""
        said = super().clean() or {}
        url = said.get("url", "").strip()
        if url and said.get("way") != Way.MAIL:
            try:
                outbound.check(url)
            except Refused as problem:
                self.add_error("url", str(problem))
        return said
