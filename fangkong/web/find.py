"""The search over everything (命令面板): a dialog of the shell, and a page without scripts.

What is typed may be a name or a number of a person, so it is sent in the body of a request and
stands in no address and no log.
"""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from fangkong.accounts.types import StaffRequest
from fangkong.core import finders, pages
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How


class FindForm(pages.Form):
    text = forms.CharField(label=_("Find"), max_length=100, required=False)


@never_cache
@login_required
def find(request: StaffRequest) -> HttpResponse:
    """Persons, places, tasks, cases and pages that the user may open."""
    text = ""
    if request.method == "POST":
        form = FindForm(request.POST)
        text = form.cleaned_data["text"].strip() if form.is_valid() else ""
    groups = finders.find(request.user, request.now, text)
    records = [found.record for group in groups for found in group.found if found.record]
    opened(request, records, how=How.FOUND)
    shown = {
        "text": text,
        "groups": groups,
        "asked": request.method == "POST" and bool(text),
    }
    template = "web/_found.html" if request.htmx else "web/find.html"
    return render(request, template, shown)
