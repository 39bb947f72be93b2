"""Pages of pools: the list, opening one, filling it person after person, its way and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, pgettext, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.permissions import allowed
from fangkong.packs.types import PoolRule
from fangkong.people import queries as people

from . import describe, forms, holds, pools, queries, rules
from .models import Pool, Specimen
from .types import HANDLE, RELEASE, REQUEST, TEST, VIEW, PoolFacts, State

POOLS = pages.Listing[Pool](
    name="pools",
    title=gettext_lazy("Pools"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Number"),
            lambda one: one.number,
            url=lambda one: one.get_absolute_url(),
            names=True,
        ),
        pages.Column("rule", gettext_lazy("Kind of pool"), describe.rule),
        pages.Column(
            "members",
            gettext_lazy("Persons"),
            lambda one: describe.filled(one, _members(one)),
        ),
        pages.Column("condition", gettext_lazy("Disease"), describe.condition),
        pages.Column("group", gettext_lazy("Group tested"), describe.group, optional=True),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: one.get_state_display(),
            draw=lambda one, at: describe.state_badge(one),
        ),
        pages.Column(
            "promise", gettext_lazy("Promise"), lambda one: one.due_at, draw=describe.clock_badge
        ),
        pages.Column(
            "outcome",
            gettext_lazy("Result"),
            lambda one: one.get_outcome_display(),
            draw=lambda one, at: describe.outcome_badge(one),
        ),
        pages.Column(
            "laboratory",
            gettext_lazy("Laboratory"),
            lambda one: one.laboratory.display_name,
            optional=True,
        ),
        pages.Column(
            "opened",
            pgettext_lazy("of a pool", "Opened"),
            lambda one: one.created_at,
            order="created_at",
        ),
    ],
    order="-opened",
    empty=gettext_lazy("No pool yet. A pool is opened where persons are screened."),
)


@allowed(VIEW)
def pools_index(request: StaffRequest) -> HttpResponseBase:
    """The pools open to the user."""
    return pages.listing(
        request,
        POOLS,
        queries.pools_open_to(request.user, request.now),
        template="surveillance/testing/pools.html",
        filters=forms.PoolFilter(request.GET),
        context={"may_request": bool(request.user.scope(REQUEST, request.now))},
    )


@allowed(REQUEST)
def open_pool(request: StaffRequest) -> HttpResponse:
    """Begin a tube of many; the tube before it says what for."""
    user, at = request.user, request.now
    form = forms.OpenPoolForm(
        request.POST or None, user=user, at=at, last=queries.last_pool_of(user, at)
    )
    if done := pages.carry_out(request, form, pools.open_pool, form.asked):
        return redirect("surveillance:testing:fill", done.result.public_id)
    return pages.form(
        request,
        form,
        template="surveillance/testing/open_pool.html",
        title=_("Open a pool"),
        submit=pgettext("button", "Open the pool"),
        context={
            "back_url": reverse("surveillance:testing:pools"),
            "allowed": _limits(form.allowed),
        },
    )


@allowed(VIEW)
def pool(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One pool: who is in it, its way, its result, and what comes next."""
    return _detail(request, _pool(request, public_id, queries.pools_open_to))


@allowed(REQUEST)
def fill(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One person after the other into the tube: scan, Enter, the next one."""
    found = _pool(request, public_id, queries.pools_to_send)
    data = request.POST if request.method == "POST" else None
    member = forms.MemberForm(data if data is not None and "number" in data else None)
    new = forms.NewMemberForm(
        data if data is not None and "name" in data else None, pool=found, at=request.now
    )
    persons: list[Any] = []
    looked = False
    if new.is_bound:
        done = pages.carry_out(request, new, pools.add_to_pool, new.asked, pool=found)
    elif member.is_bound:
        said = {} if not member.is_valid() else _meant(request, found, member.cleaned_data)
        persons = said.pop("persons", [])
        looked = member.is_valid() and not said
        if looked and not persons:
            new = forms.NewMemberForm(pool=found, at=request.now, initial=_typed(member))
        done = (
            pages.carry_out(request, member, pools.add_to_pool, dict, pool=found, **said)
            if said
            else None
        )
    else:
        done = None
    if done:
        text = _("%(number)s lies in the tube.") % {"number": done.result.number}
        messages.success(request, text)
        return redirect("surveillance:testing:fill", found.public_id)
    inside = _members_shown(request, found)
    page = {
        "pool": found,
        "rule": describe.rule(found),
        "condition": describe.condition(found),
        "group": describe.group(found),
        "filled": describe.filled(found, len(queries.members_of(found))),
        "closed": found.state != State.REQUESTED,
        "full": len(queries.members_of(found)) >= found.size,
        "form": member,
        "new": new if (looked and not persons) or new.is_bound else None,
        "persons": persons,
        "members": list(reversed(inside)),
        "take_out": forms.TakeOutForm(),
    }
    for form in (member, new):
        pages.forms.dress(form)
    status = pages.status_of(new if new.is_bound else member)
    template = "surveillance/testing/fill.html"
    return pages.with_camera(render(request, template, page, status=status))


@allowed(REQUEST)
@require_POST
def take_out(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """A member was scanned by mistake."""
    found = _pool(request, public_id, queries.pools_to_send)
    form = forms.TakeOutForm(request.POST)
    key = form.cleaned_data.get("specimen") if form.is_valid() else None
    inside = {one.public_id: one for one in queries.members_of(found)}
    if key is not None and key not in inside:
        raise Http404
    if key is not None and pages.carry_out(
        request,
        form,
        pools.take_out_of_pool,
        lambda: {"reason": form.cleaned_data["reason"]},
        pool=found,
        specimen=inside[key],
    ):
        messages.success(request, _("The person is taken out of the tube again."))
    for text in [error for errors in form.errors.values() for error in errors]:
        messages.warning(request, str(text))
    return redirect("surveillance:testing:fill", found.public_id)


@allowed(REQUEST)
@require_POST
def close_pool(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Nobody comes into the tube any more."""
    found = _pool(request, public_id, queries.pools_to_send)
    return _step(request, found, pages.Form(request.POST), pools.close_pool)


@allowed(REQUEST)
@require_POST
def next_pool(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The next tube, for the same as this one: only its number is asked."""
    found = _pool(request, public_id, queries.pools_to_send)
    form = forms.NextPoolForm(request.POST)
    names = ("condition", "rule", "specimen_type")
    facts = PoolFacts(**{name: getattr(found, name) for name in names}, group=found.test_group)
    same: dict[str, Any] = {
        "facts": facts,
        "facility": found.facility,
        "laboratory": found.laboratory,
        "synthetic": found.synthetic,
    }
    if done := pages.carry_out(request, form, pools.open_pool, **same):
        return redirect("surveillance:testing:fill", done.result.public_id)
    return _detail(request, found, status=pages.status_of(form), refused=form)


@allowed(REQUEST)
@require_POST
def ship_pool(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The tube leaves for its laboratory."""
    found = _pool(request, public_id, queries.pools_to_send)
    form = forms.PoolShipForm(request.POST, pool=found, user=request.user, at=request.now)
    return _step(request, found, form, pools.ship_pool)


@allowed(TEST)
@require_POST
def receive_pool(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The laboratory has the tube."""
    found = _pool(request, public_id, queries.pools_to_test)
    return _step(request, found, forms.ReceiveForm(request.POST), pools.receive_pool)


@allowed(TEST)
@require_POST
def refuse_pool(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The laboratory cannot test what it got."""
    found = _pool(request, public_id, queries.pools_to_test)
    return _step(request, found, forms.EndForm(request.POST, prefix="refuse"), pools.refuse_pool)


@allowed(HANDLE)
@require_POST
def lose_pool(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The tube is lost."""
    found = _pool(request, public_id, queries.pools_to_lose)
    return _step(request, found, forms.EndForm(request.POST, prefix="lose"), pools.lose_pool)


@allowed(REQUEST)
@require_POST
def cancel_pool(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The tube is not tested."""
    found = _pool(request, public_id, queries.pools_to_send)
    return _step(request, found, forms.EndForm(request.POST, prefix="cancel"), pools.cancel_pool)


@allowed(TEST)
def pool_result(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Enter what was found in a tube of many."""
    found = _pool(request, public_id, queries.pools_to_test)
    form = pages.editing(
        forms.ResultForm(request.POST or None, condition=found.condition, at=request.now), found
    )
    if pages.carry_out(request, form, pools.enter_pool_result, form.asked, pool=found):
        messages.success(request, _("The result is entered."))
        return redirect(found)
    title = _("Result of pool %(number)s") % {"number": found.number}
    return _result_form(request, found, form, title, _("Enter the result"))


@allowed(TEST)
def correct_pool(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Correct the reported result of a pool, with a reason."""
    found = _pool(request, public_id, queries.pools_to_test)
    newest = next(iter(queries.pool_results_of(found)), None)
    if newest is None:
        raise Http404
    form = pages.editing(
        forms.ResultForm(
            request.POST or None, condition=found.condition, at=request.now, corrects=newest
        ),
        found,
    )
    if pages.carry_out(request, form, pools.correct_pool_result, form.asked, pool=found):
        messages.success(request, _("The result is corrected."))
        return redirect(found)
    title = _("Correct the result of pool %(number)s") % {"number": found.number}
    return _result_form(request, found, form, title, _("Correct the result"))


@allowed(RELEASE)
@require_POST
def release(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Let a member of a pool go without a single test, with a reason."""
    found = get_object_or_404(queries.to_release(request.user, request.now), public_id=public_id)
    opened(request, found)
    form = forms.EndForm(request.POST, prefix="release")
    if pages.carry_out(request, form, holds.release, specimen=found):
        messages.success(request, _("The hold has ended."))
    for text in [error for errors in form.errors.values() for error in errors]:
        messages.warning(request, str(text))
    return redirect(found)


# --- What the pages share -------------------------------------------------------------------------


def _limits(allowed: Sequence[PoolRule]) -> list[dict[str, object]]:
    """What the rules of the day say of pools, in words."""
    language = get_language() or ""
    return [
        {
            "name": one.name.in_language(language),
            "percent": one.percent,
            "clause": one.clause.text.in_language(language),
            "from_memory": one.clause.from_memory,
        }
        for one in allowed
    ]


def _members(one: Pool) -> int:
    return int(getattr(one, "filled", 0))


def _pool(request: StaffRequest, public_id: UUID, among: Callable[..., QuerySet[Pool]]) -> Pool:
    return get_object_or_404(among(request.user, request.now), public_id=public_id)


def _meant(request: StaffRequest, found: Pool, said: dict[str, Any]) -> dict[str, Any]:
    """Whom a scanned or typed text means: a request, one person, or ``persons`` to choose from."""
    user, at, text = request.user, request.now, said["number"]
    if chosen := request.POST.get("person"):
        row = queries.persons_to_test(user, at).filter(public_id=_uuid(chosen)).first()
        if row is None:
            raise Http404
        opened(request, row, how=How.FOUND)
        return {"person": row}
    specimen = queries.by_number(queries.open_to_send(user, at), text)
    if specimen is not None:
        opened(request, specimen, how=How.FOUND)
        return {"specimen": specimen}
    persons = queries.found_to_test(user, at, text)
    opened(request, persons, how=How.FOUND)
    if len(persons) == 1 and any(sign.isdigit() for sign in text):
        return {"person": persons[0]}
    day = clock.day_of(at)
    return {"persons": [(one, people.masked(one, day)) for one in persons]}


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _typed(member: forms.MemberForm) -> dict[str, str]:
    """What was looked for, as the first word of somebody who is not known yet."""
    text = str(member.cleaned_data.get("number", ""))
    plain = rules.plain_number(text)
    if not any(sign.isdigit() for sign in plain):
        return {"name": text}
    return {"phone": plain} if len(plain) == 11 else {"id_number": plain}


def _members_shown(request: StaffRequest, found: Pool) -> list[dict[str, Any]]:
    """The members that the user may see, masked, with the specimen that was asked for anew."""
    rows = list(
        queries.open_to(request.user, request.now)
        .filter(pool_id=found.pk)
        .order_by("collected_at", "pk")
    )
    opened(request, rows)
    repeats = queries.repeats_of(rows)
    return [
        {
            "row": one,
            "subject": describe.subject_cell(one),
            "state": describe.state_badge(one),
            "outcome": describe.outcome_badge(one),
            "repeat": repeats.get(one.pk),
        }
        for one in rows
    ]


def _step(
    request: StaffRequest, found: Pool, form: pages.Form, action: Callable[..., Pool]
) -> HttpResponse:
    """Take a step from a page of the pool; what is refused is told there."""
    if done := pages.carry_out(request, form, action, pool=found):
        told = {"number": done.result.number, "state": done.result.get_state_display()}
        messages.success(request, _("%(number)s: %(state)s.") % told)
        if queries.pools_open_to(request.user, request.now).filter(pk=found.pk).exists():
            return redirect(found)
        return redirect("surveillance:testing:pools")
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    found.refresh_from_db()
    return _detail(request, found, status=pages.status_of(form), refused=form)


def _result_form(
    request: StaffRequest, found: Pool, form: forms.ResultForm, title: str, submit: str
) -> HttpResponse:
    return pages.form(
        request,
        form,
        template="surveillance/testing/result.html",
        title=title,
        submit=submit,
        context={
            "pool": found,
            "subject": f"{describe.rule(found)} · {describe.filled(found, _members(found))}",
            "type": describe.specimen_type(found),
            "back_url": found.get_absolute_url(),
        },
    )


def _detail(
    request: StaffRequest,
    found: Pool,
    *,
    status: int = 200,
    refused: pages.Form | None = None,
) -> HttpResponse:
    """``refused``: the form of a step as it was sent, shown again with what is wrong."""
    user, at = request.user, request.now
    sends = queries.pools_to_send(user, at).filter(pk=found.pk).exists()
    tests = queries.pools_to_test(user, at).filter(pk=found.pk).exists()
    loses = queries.pools_to_lose(user, at).filter(pk=found.pk).exists()
    follow = rules.STEPS[found.state]
    is_open = found.state == State.REQUESTED
    page: dict[str, Any] = {
        "pool": found,
        "rule": describe.rule(found),
        "filled": describe.filled(found, len(queries.members_of(found))),
        "condition": describe.condition(found),
        "type": describe.specimen_type(found),
        "biosafety": describe.biosafety(found),
        "group": describe.group(found),
        "state_badge": describe.state_badge(found),
        "outcome_badge": describe.outcome_badge(found),
        "clock_badge": describe.clock_badge(found, at),
        "clause": describe.clause(found),
        "steps": queries.pool_steps_of(found),
        "findings": describe.findings(found, queries.pool_results_of(found)),
        "members": _members_shown(request, found),
        "may_fill": sends and is_open,
        "next_form": forms.NextPoolForm() if sends and not is_open else None,
        "ship_form": forms.PoolShipForm(pool=found, user=user, at=at)
        if sends and "shipped" in follow
        else None,
        "receive_form": forms.ReceiveForm() if tests and "received" in follow else None,
        "may_label": bool(user.scope(HANDLE, at)),
        "may_test": tests and "tested" in follow,
        "may_correct": tests and found.state == State.REPORTED,
        "ends": _ends(found, sends, tests, loses, refused),
        "history": audit.history_of(found),
    }
    for name in ("next_form", "ship_form", "receive_form"):
        if page[name] is not None:
            if type(refused) is type(page[name]):
                page[name] = refused
            pages.forms.dress(page[name])
    return render(request, "surveillance/testing/pool.html", page, status=status)


def _ends(
    found: Pool, sends: bool, tests: bool, loses: bool, refused: pages.Form | None
) -> list[tuple[str, str, str, forms.EndForm]]:
    """The ways that this user may end it: address, heading, what follows, form."""
    follow = rules.STEPS[found.state]
    anew = _("Each of its members needs a new specimen.")
    ways = [
        (tests and "refused" in follow, "refuse", _("Refuse the pool"), anew),
        (loses and "lost" in follow, "lose", _("Report it lost"), anew),
        (sends and "cancelled" in follow, "cancel", _("Cancel the pool"), anew),
    ]
    found_ways = []
    for may, name, heading, follows in ways:
        if may:
            form = forms.EndForm(prefix=name)
            if isinstance(refused, forms.EndForm) and refused.prefix == name:
                form = refused
            pages.forms.dress(form)
            url = reverse(f"surveillance:testing:{name}_pool", args=[found.public_id])
            found_ways.append((url, heading, follows, form))
    return found_ways


def held_notes(request: Any, person: Any) -> list[Specimen]:
    """The specimens by which a person is held, each with the one asked for anew as ``again``."""
    rows = queries.held_of(person, request.user, request.now)
    repeats = queries.repeats_of(rows)
    for one in rows:
        one.again = repeats.get(one.pk)  # type: ignore[attr-defined]  # for the template
    return rows
