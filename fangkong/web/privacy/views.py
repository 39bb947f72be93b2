"""For who answers for personal data: what is held for what, how long, what was destroyed."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.permissions import allowed
from fangkong.core.purposes import actions, queries
from fangkong.core.purposes.types import ASSESS, SEE_PRIVACY, declared
from fangkong.core.retention import queries as retention

CLASSES = {
    "identity": _("identity"),
    "contact": _("contact"),
    "whereabouts": _("whereabouts (sensitive)"),
    "health": _("health (sensitive)"),
    "staff": _("staff in office"),
}


@allowed(SEE_PRIVACY)
def register(request: StaffRequest) -> HttpResponse:
    """The register of processing, with the newest assessment of each purpose."""
    shown = {
        "entries": queries.register(request.user, request.now),
        "classes": CLASSES,
        "may_assess": bool(request.user.scope(ASSESS, request.now)),
    }
    return render(request, "web/privacy/register.html", shown)


@allowed(SEE_PRIVACY)
def terms(request: StaffRequest) -> HttpResponse:
    """Each class of data: its term, what was destroyed, what is due next (a dry run)."""
    rows = retention.standing(request.now)
    shown = {"rows": rows, "due": sum(row.rows_due for row in rows)}
    return render(request, "web/privacy/terms.html", shown)


class AssessForm(pages.Form):
    """What an assessment says (PIPL 56)."""

    purpose = forms.ChoiceField(label=_("Purpose"))
    need = forms.CharField(
        label=_("Why these data and no fewer"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    risk = forms.CharField(
        label=_("What it can do to persons"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    measures = forms.CharField(
        label=_("What protects them"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
    fit = forms.BooleanField(label=_("The measures are enough for the risk"), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["purpose"].choices = [(one.name, one.label) for one in declared()]  # type: ignore[attr-defined]  # a ChoiceField


@allowed(ASSESS)
def assess(request: StaffRequest) -> HttpResponse:
    """Note an assessment."""
    form = AssessForm(request.POST or None, initial={"purpose": request.GET.get("purpose")})
    if pages.carry_out(request, form, actions.assess):
        messages.success(request, _("The assessment is noted. It stays as it is."))
        return redirect("privacy")
    return pages.form(
        request,
        form,
        title=_("Assess the impact on persons"),
        submit=_("Note the assessment"),
    )
