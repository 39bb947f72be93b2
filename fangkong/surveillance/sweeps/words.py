"""Codes of sweeps in the words of the page's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from .models import Sweep

FAULTS: Mapping[str, str | Promise] = {
    "days_reversed": _("The last day lies before the first."),
    "too_long": _("A sweep lasts three months at most. Look at the years."),
    "over_already": _("The last day has passed: nobody could visit a door. Look at the year."),
    "too_far": _("A sweep begins within three months. Look at the year."),
    "no_outcome": _("Choose one of the outcomes."),
    "how_many": _("Say how many people live there."),
    "only_registered": _("Leave this empty: nobody was registered."),
    "no_household": _("From 1 to 99 people live behind a door."),
    "no_temperature": _("A temperature lies between 34.0 and 43.0 °C."),
    "no_symptom": _("Choose symptoms of the list."),
}


def fault(code: str) -> str:
    """What is wrong, and what to do."""
    return str(FAULTS[code])


def state(sweep: Sweep, day: date) -> str:
    """Whether a sweep runs on a day."""
    if sweep.ended_at is not None:
        return pgettext("a sweep", "ended")
    if day < sweep.first_date:
        return gettext("has not begun")
    return gettext("its days are over") if day > sweep.last_date else gettext("running")
