"""Pages of arrivals: look somebody up, ask what is not known, hand over, checkpoints, figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.pages import export
from fangkong.core.permissions import allowed
from fangkong.core.record import new_public_id
from fangkong.core.refusals import Refused
from fangkong.people import queries as people
from fangkong.surveillance.screening import words as screening

from . import actions, describe, forms, queries, rules, words
from . import figures as drawn
from .models import Arrival, Checkpoint, RiskArea
from .types import ANNOUNCE, MANAGE, NAME, NUMBER, RECEIVE, REGISTER, REVEAL, VIEW, State

if TYPE_CHECKING:
    from fangkong.people.models import Person
    from fangkong.places.models import Area

HIDE_AFTER = 60  # seconds that answers stand on the screen in full
SHOWN_ELSEWHERE = 5  # arrivals on the page of a person

ARRIVALS = pages.Listing[Arrival](
    name="arrivals",
    title=gettext_lazy("Arrivals"),
    columns=[
        pages.Column(
            "person",
            gettext_lazy("Person"),
            lambda one: one.person.masked_name,
            url=lambda one: one.get_absolute_url(),
            names=True,
        ),
        pages.Column(
            "tier",
            gettext_lazy("Tier of origin"),
            describe.tier,
            draw=lambda one, at: describe.tier_badge(one),
        ),
        pages.Column("origin", gettext_lazy("Came from"), lambda one: one.origin),
        pages.Column("left", gettext_lazy("Left on"), lambda one: one.left_date, optional=True),
        pages.Column(
            "arrived", gettext_lazy("Arrived"), lambda one: one.arrived_at, order="arrived_at"
        ),
        pages.Column("area", gettext_lazy("Goes to"), lambda one: one.area.display_name),
        pages.Column("state", gettext_lazy("State"), describe.state, draw=describe.state_badge),
        pages.Column("checkpoint", gettext_lazy("Checkpoint"), describe.checkpoint),
        pages.Column(
            "management",
            gettext_lazy("Asked to do"),
            lambda one: "; ".join(describe.management(one)),
            optional=True,
        ),
        pages.Column(
            "ill",
            gettext_lazy("Symptoms or fever"),
            lambda one: (
                words.YES_NO["yes"] if rules.is_ill(one.has_symptoms, one.temperature) else ""
            ),
            optional=True,
        ),
        pages.Column("as_of", gettext_lazy("As of"), lambda one: one.as_of, optional=True),
        pages.Column("disease", gettext_lazy("Disease"), describe.condition, optional=True),
    ],
    order="-arrived",
    empty=gettext_lazy("Nobody was registered."),
    person="person__public_id",
)


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """The arrivals open to the user."""
    return pages.listing(
        request,
        ARRIVALS,
        queries.open_to(request.user, request.now),
        template="surveillance/arrivals/index.html",
        filters=forms.ArrivalFilter(request.GET, user=request.user, at=request.now),
        context={"may_register": bool(request.user.scope(REGISTER, request.now))},
    )


@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One arrival: what was said, what follows, and who takes over."""
    return _detail(request, _arrival(request, public_id, queries.open_to))


# --- At the checkpoint ----------------------------------------------------------------------------


@allowed(REGISTER)
def find(request: StaffRequest) -> HttpResponse:
    """Look somebody up first: by number or phone wherever they live, by name among one's own."""
    post = _post(request)
    form = forms.FindForm(request.POST or None)
    text = form.cleaned_data["text"] if form.is_bound and form.is_valid() else ""
    found = queries.find(request.user, request.now, text) if text else []
    opened(request, found, how=How.FOUND)
    visit = new_public_id()
    day = clock.day_of(request.now)
    page = {
        **_at(request, post),
        "form": form,
        "looked": bool(text),
        "found": [
            (people.masked(one, day), _ask_url(request, post, one, new_public_id()))
            for one in found
        ],
        "nobody": _ask_url(request, post, None, visit),
        "typed": _typed(text),
        "done": [
            (one, describe.tier_badge(one))
            for one in queries.registered_by(request.user, request.now)
        ],
        "rules": queries.condition_on(day),
    }
    pages.forms.dress(form)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "surveillance/arrivals/find.html", page, status=status)


@allowed(REGISTER)
def ask(request: StaffRequest) -> HttpResponse:
    """Ask what is not known, show what is; sent, the arrival is registered."""
    held = queries.by_handle(request.GET.get("who", ""), request.user)
    if held is None:
        messages.warning(request, _("The look-up is too old. Look the person up again."))
        return redirect("surveillance:arrivals:find")
    person, visit = held
    post, day = _post(request), clock.day_of(request.now)
    opened(request, [] if person is None else [person], how=How.OPENED)
    known = {} if person is None else queries.known(person, day, request.now)
    again = [code for code in request.GET.getlist("again") if code not in (NAME, NUMBER)]
    questions = rules.to_ask(queries.questions_on(day), known, again)
    typed = _typed_of(request)
    sent = None if typed else request.POST or None  # the button of the look-up brings what it knew
    form = forms.AskForm(sent, questions=questions, visit=visit, at=request.now, initial=typed)
    county = queries.county_of(request.user, request.now)
    given: dict[str, object] = {"person": person, "checkpoint": post, "county": county}
    if done := pages.carry_out(request, form, actions.register, form.asked, **given):
        made = done.result
        said = {"name": made.person.masked_name, "tier": describe.tier(made)}
        messages.success(request, _("%(name)s: %(tier)s.") % said)
        seen = queries.open_to(request.user, request.now).filter(pk=made.pk).exists()
        # Who adds to another's arrival without a checkpoint may not see it; the message tells.
        onward = made.get_absolute_url() if seen else reverse("surveillance:arrivals:find")
        return redirect(f"{onward}{_query(request, post)}")
    if person is not None and request.method == "GET":
        _note_put(request, person, form, visit, post, county)
    page = {
        **_at(request, post),
        "form": form,
        "person": None if person is None else people.masked(person, day),
        "known": _known(request, known, day),
        "standing": None if person is None else _standing(request, person),
        "origins": queries.origins_near(day),
    }
    pages.forms.dress(form)
    return render(request, "surveillance/arrivals/ask.html", page, status=pages.status_of(form))


def _note_put(
    request: StaffRequest,
    person: Person,
    form: forms.AskForm,
    visit: UUID,
    post: Checkpoint | None,
    county: Area | None,
) -> None:
    """What this form shows is put to the person, whether or not it is ever sent."""
    shown = [field.name for field in (*form.first_fields, *form.more_fields)]
    codes = {row.code for row in queries.questions_on(clock.day_of(request.now))}
    actions.put(
        person=person,
        questions=[name for name in shown if name in codes],
        visit=visit,
        checkpoint=post,
        county=county if post is None else post.county,
        by=request.user,
        at=request.now,
    )


def _known(
    request: StaffRequest, known: dict[str, queries.Known], day: Any
) -> list[tuple[str, str, str]]:
    """Question, answer as far as it may be shown, and the address that asks it all the same."""
    shown = []
    for row in queries.questions_on(day):
        if row.code not in known or row.code in request.GET.getlist("again"):
            continue
        one = known[row.code]
        text = words.answer(row, one.value) if one.plain else describe.HIDDEN
        chosen = request.GET.copy()
        chosen.appendlist("again", row.code)
        url = "" if row.code in (NAME, NUMBER) else f"?{chosen.urlencode()}"
        shown.append((words.question(row), text, url))
    return shown


def _standing(request: StaffRequest, person: Person) -> Arrival | None:
    """The arrival of today that stands already, where the user may see it."""
    rows = queries.open_to(request.user, request.now)
    day = clock.day_of(request.now)
    return rows.filter(person_id=person.pk, arrived_date=day, withdrawn_at__isnull=True).first()


def _post(request: StaffRequest) -> Checkpoint | None:
    """The checkpoint at which the user works: the only one, or the one that was chosen."""
    posts = queries.checkpoints_to_work_at(request.user, request.now)
    asked = request.GET.get("at", "")
    if len(posts) == 1 and (asked in ("", str(posts[0].public_id))):
        return posts[0]
    return next((one for one in posts if str(one.public_id) == asked), None)


def _at(request: StaffRequest, post: Checkpoint | None) -> dict[str, object]:
    posts = queries.checkpoints_to_work_at(request.user, request.now)
    return {"post": post, "posts": posts if len(posts) > 1 else []}


def _query(request: StaffRequest, post: Checkpoint | None) -> str:
    return f"?{urlencode({'at': str(post.public_id)})}" if post is not None else ""


def _ask_url(
    request: StaffRequest, post: Checkpoint | None, person: Person | None, visit: UUID
) -> str:
    chosen = {"who": queries.handle_for(person, visit, request.user)}
    if post is not None:
        chosen["at"] = str(post.public_id)
    return f"{reverse('surveillance:arrivals:ask')}?{urlencode(chosen)}"


def _typed(text: str) -> dict[str, str]:
    """What was looked for in vain, at the question that it answers."""
    plain = text.strip()
    if not plain:
        return {}
    if not any(sign.isdigit() for sign in plain):
        return {"full-name": plain}
    return {"mobile" if plain.isdigit() and len(plain) == 11 else "identity-number": plain}


def _typed_of(request: StaffRequest) -> dict[str, str]:
    """The same, sent along in the body by the button of the look-up; never in the address."""
    names = ("full-name", "mobile", "identity-number")
    if "typed" not in request.POST:
        return {}
    return {name: request.POST.get(name, "") for name in names}


# --- With the county ------------------------------------------------------------------------------


@allowed(RECEIVE)
@require_POST
def receive(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The county has taken the person over."""
    return _step(request, public_id, forms.StepForm(request.POST), actions.receive)


@allowed(RECEIVE)
@require_POST
def miss(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The person did not come."""
    return _step(request, public_id, forms.ReasonForm(request.POST, prefix="miss"), actions.miss)


@allowed(RECEIVE)
@require_POST
def judge_again(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The tier by the announcements of today."""
    return _step(request, public_id, forms.StepForm(request.POST), actions.judge_again)


@allowed(RECEIVE)
@require_POST
def withdraw(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The arrival was entered in error."""
    form = forms.ReasonForm(request.POST, prefix="withdraw")
    return _step(request, public_id, form, actions.withdraw)


@never_cache
@allowed(REVEAL)
def reveal(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The answers in full for a reason: a piece for the page, hidden again after a minute."""
    found = _arrival(request, public_id, queries.open_to_reveal)
    form = forms.RevealForm(request.POST or None, prefix="reveal")
    full = None
    if done := pages.carry_out(request, form, actions.reveal, arrival=found):
        try:
            rows = queries.in_full(done.result, request.now)
            full = describe.in_full(rows, found.arrived_date)
        except Refused as problem:
            form.add_error(None, str(problem))
    status = 200 if full is not None else pages.status_of(form)
    pages.forms.dress(form)
    if not request.htmx:
        return _detail(request, found, status=status, reveal_form=form, full=full)
    page = {
        "arrival": found,
        "reveal_form": form,
        "full": full,
        "hide_after": HIDE_AFTER,
        "may_reveal": True,
        "answers": describe.answers(queries.answers_of(found), found.arrived_date),
    }
    return render(request, "surveillance/arrivals/_answers.html", page, status=status)


def _step(
    request: StaffRequest,
    public_id: UUID,
    form: pages.Form,
    action: Callable[..., Arrival],
) -> HttpResponse:
    """Take a step from the page of an arrival; what is refused is told there."""
    found = _arrival(request, public_id, queries.open_to_receive)
    if pages.carry_out(request, form, action, arrival=found):
        found.refresh_from_db()
        messages.success(request, _("Done: %(state)s.") % {"state": describe.state(found)})
        return redirect(found)
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    found = _arrival(request, public_id, queries.open_to_receive)
    return _detail(request, found, status=pages.status_of(form), refused=form)


def _arrival(
    request: StaffRequest, public_id: UUID, among: Callable[..., QuerySet[Arrival]]
) -> Arrival:
    found = get_object_or_404(among(request.user, request.now), public_id=public_id)
    opened(request, found)
    return found


def _detail(
    request: StaffRequest,
    found: Arrival,
    *,
    status: int = 200,
    refused: pages.Form | None = None,
    reveal_form: forms.RevealForm | None = None,
    full: list[tuple[str, str]] | None = None,
) -> HttpResponse:
    """``full``: the answers as they were given, for whoever has given a reason."""
    user, at = request.user, request.now
    may_reveal = queries.open_to_reveal(user, at).filter(pk=found.pk).exists()
    if may_reveal and reveal_form is None:
        reveal_form = forms.RevealForm(prefix="reveal")
        pages.forms.dress(reveal_form)
    person_url = ""
    if people.open_to(user, at).filter(pk=found.person_id).exists():
        person_url = found.person.get_absolute_url()
    stands = found.withdrawn_at is None
    decides = stands and queries.open_to_receive(user, at).filter(pk=found.pk).exists()
    asked = queries.asked_of([found.person_id], user, at).filter(day=found.arrived_date)
    page: dict[str, Any] = {
        "arrival": found,
        "person": describe.person_cell(found.person),
        "person_url": person_url,
        "tier_badge": describe.tier_badge(found),
        "also": [words.tier(found.pack, code) for code in found.also],
        "ill": stands and rules.is_ill(found.has_symptoms, found.temperature),
        "state_badge": describe.state_badge(found, at),
        "clause": words.clause(found.pack, found.clause),
        "condition": describe.condition(found),
        "temperature": screening.temperature(found.temperature),
        "management": describe.management(found),
        "tests": describe.tests(found),
        "answers": describe.answers(queries.answers_of(found), found.arrived_date),
        "may_reveal": may_reveal,
        "reveal_form": reveal_form,
        "full": full,
        "hide_after": HIDE_AFTER,
        "passages": queries.passages_of(found),
        "watch": queries.watch_of(found, user, at),
        "watched_by": queries.watched_by(found),
        "decides": decides,
        "waits": decides and found.state == State.WAITING,
        "may_receive": decides and found.state != State.RECEIVED,
        "may_register": bool(user.scope(REGISTER, at)),
        "next": f"{reverse('surveillance:arrivals:find')}{_query(request, _post(request))}"
        if user.scope(REGISTER, at)
        else "",
        "asked": asked.count(),
        "again": asked.filter(again=True).count(),
        "ways": _ways(found, refused) if decides else [],
        "history": audit.history_of(found),
    }
    return render(request, "surveillance/arrivals/detail.html", page, status=status)


def _ways(found: Arrival, refused: pages.Form | None) -> list[tuple[str, str, str, pages.Form]]:
    ways = []
    if found.state == State.WAITING:
        ways.append(
            (
                "miss",
                _("Did not come"),
                _("Those who registered the person are told."),
                forms.ReasonForm(prefix="miss"),
            )
        )
    ways.append(
        (
            "withdraw",
            _("Withdraw"),
            _("The arrival counts no more. An observation that rests on it alone ends."),
            forms.ReasonForm(prefix="withdraw"),
        )
    )
    shown = []
    for name, heading, follows, form in ways:
        used = refused if refused is not None and refused.prefix == name else form
        pages.forms.dress(used)
        url = reverse(f"surveillance:arrivals:{name}", args=[found.public_id])
        shown.append((url, heading, follows, used))
    return shown


def of_person(request: HttpRequest, person: object) -> str:
    """The arrivals on the page of a person (a slot)."""
    asking: Any = request
    user, at = asking.user, asking.now
    if not user.scope(VIEW, at):
        return ""
    rows = queries.open_to(user, at).filter(person_id=person.pk)  # type: ignore[attr-defined]
    shown = [
        (one, describe.tier_badge(one), describe.state_badge(one, at))
        for one in rows.order_by("-arrived_at", "-pk")[:SHOWN_ELSEWHERE]
    ]
    if not shown:
        return ""
    page = {"arrivals": shown}
    return render_to_string("surveillance/arrivals/_of_person.html", page, request)


# --- Figures --------------------------------------------------------------------------------------


@allowed(VIEW)
def figures(request: StaffRequest) -> HttpResponse:
    """How many arrived, in which tiers, where to; and what was asked twice."""
    found, form = _figures(request)
    pages.forms.dress(form)
    page = {
        "figures": found,
        "form": form,
        "chart": drawn.by_day(found),
        "tiers": drawn.by_tier(found),
    }
    return render(request, "surveillance/arrivals/figures.html", page)


@allowed(VIEW)
def figures_chart(request: StaffRequest) -> JsonResponse:
    """The figure's data."""
    return pages.chart_json(drawn.by_day(_figures(request)[0]))


@allowed(VIEW)
def figures_csv(request: StaffRequest) -> HttpResponseBase:
    """Day, tier and number, to take away; no person stands in it."""
    found, _form = _figures(request)
    mark = export.note(
        "surveillance.arrivals.figures",
        request.user,
        by=request.user,
        at=request.now,
        kind="csv",
        rows=len(found.cells),
    )
    head = [_("Day"), _("Tier of origin"), _("Arrivals")]
    rows = [[one.day, words.tier(one.pack, one.tier), one.count] for one in found.cells]
    return export.csv_response("arrivals", head, rows, mark)


def _figures(request: StaffRequest) -> tuple[queries.Figures, forms.DaysForm]:
    form = forms.DaysForm(request.GET or {"days": str(queries.FIGURE_DAYS)})
    days = forms.days_asked(form)
    return queries.figures(request.user, request.now, days=days), form


# --- Checkpoints ----------------------------------------------------------------------------------

CHECKPOINTS = pages.Listing[Checkpoint](
    name="checkpoints",
    title=gettext_lazy("Checkpoints"),
    columns=[
        pages.Column(
            "name",
            gettext_lazy("Place"),
            lambda one: one.facility.display_name,
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("county", gettext_lazy("County"), lambda one: one.county.display_short),
        pages.Column("road", gettext_lazy("Road"), lambda one: one.road),
        pages.Column("duties", gettext_lazy("Duties"), lambda one: words.duties(one.duties)),
        pages.Column("hours", pgettext_lazy("of a checkpoint", "Hours"), describe.hours),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: _("works") if one.closed_at is None else _("closed"),
        ),
        pages.Column(
            "since", gettext_lazy("Since"), lambda one: one.created_at, order="created_at"
        ),
    ],
    order="-since",
    empty=gettext_lazy("No checkpoint is set up."),
)


@allowed(VIEW)
def checkpoints(request: StaffRequest) -> HttpResponseBase:
    """The checkpoints open to the user."""
    return pages.listing(
        request,
        CHECKPOINTS,
        queries.checkpoints_open_to(request.user, request.now),
        template="surveillance/arrivals/checkpoints.html",
        filters=forms.CheckpointFilter(request.GET, at=request.now),
        context={"may_manage": bool(request.user.scope(MANAGE, request.now))},
    )


@allowed(VIEW)
def checkpoint(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One checkpoint: its duty, its day, and how often it asked what was known."""
    user, at = request.user, request.now
    found = _checkpoint(request, public_id, queries.checkpoints_open_to)
    day = clock.day_of(at)
    days = [day - n * rules.DAY for n in range(7)]
    posts = queries.posts([found], days)
    manages = queries.checkpoints_to_manage(user, at).filter(pk=found.pk).exists()
    works = any(one.pk == found.pk for one in queries.checkpoints_to_work_at(user, at))
    page = {
        "checkpoint": found,
        "duties": words.duties(found.duties),
        "hours": describe.hours(found),
        "days": [(one, posts[found.pk, one]) for one in days],
        "may_manage": manages and found.closed_at is None,
        "may_register": works,
        "history": audit.history_of(found),
    }
    return render(request, "surveillance/arrivals/checkpoint.html", page)


@allowed(MANAGE)
def new_checkpoint(request: StaffRequest) -> HttpResponse:
    """Set up a checkpoint."""
    free = queries.places_for_checkpoints(request.user, request.now)
    form = forms.CheckpointForm(request.POST or None, free=free)
    if done := pages.carry_out(request, form, actions.set_up, form.asked):
        messages.success(request, _("The checkpoint is set up."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Set up a checkpoint"),
        submit=_("Set up"),
        template="surveillance/arrivals/new_checkpoint.html",
        context={"none_free": not free, "back_url": reverse("surveillance:arrivals:checkpoints")},
    )


@allowed(MANAGE)
def change_checkpoint(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Say anew what is done at a checkpoint."""
    found = _checkpoint(request, public_id, queries.checkpoints_to_manage)
    form = pages.editing(forms.CheckpointForm(request.POST or None, checkpoint=found), found)
    if pages.carry_out(request, form, actions.change_checkpoint, form.asked, checkpoint=found):
        messages.success(request, _("The checkpoint is changed."))
        return redirect(found)
    return pages.form(
        request,
        form,
        title=_("Change the checkpoint"),
        submit=_("Change"),
        context={"back_url": found.get_absolute_url()},
    )


@allowed(MANAGE)
@require_POST
def close(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The checkpoint works no more."""
    found = _checkpoint(request, public_id, queries.checkpoints_to_manage)
    form = forms.StepForm(request.POST)
    if pages.carry_out(request, form, actions.close, checkpoint=found):
        messages.success(request, _("The checkpoint is closed."))
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    return redirect(found)


def _checkpoint(
    request: StaffRequest, public_id: UUID, among: Callable[..., QuerySet[Checkpoint]]
) -> Checkpoint:
    return get_object_or_404(among(request.user, request.now), public_id=public_id)


# --- Announced areas ------------------------------------------------------------------------------

RISK_AREAS = pages.Listing[RiskArea](
    name="announced",
    title=gettext_lazy("Announced areas"),
    columns=[
        pages.Column(
            "area",
            gettext_lazy("Area"),
            lambda one: one.name,
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("tier", gettext_lazy("Tier of origin"), drawn.announced_tier),
        pages.Column("days", gettext_lazy("Days"), describe.days),
        pages.Column("source", gettext_lazy("Announcement"), lambda one: one.source),
        pages.Column("from", gettext_lazy("From"), lambda one: one.valid_from, order="valid_from"),
    ],
    order="-from",
    empty=gettext_lazy("No area is announced; the tiers of the rules themselves hold."),
)


@allowed(VIEW)
def risk_areas(request: StaffRequest) -> HttpResponseBase:
    """The areas that were announced for a tier."""
    return pages.listing(
        request,
        RISK_AREAS,
        queries.risk_areas(),
        template="surveillance/arrivals/risk_areas.html",
        filters=forms.RiskAreaFilter(request.GET),
        context={"may_announce": bool(request.user.scope(ANNOUNCE, request.now))},
    )


@allowed(ANNOUNCE)
def announce(request: StaffRequest) -> HttpResponse:
    """An area was announced for a tier."""
    form = forms.RiskAreaForm(request.POST or None, at=request.now)
    if done := pages.carry_out(request, form, actions.announce):
        said = {"area": done.result.name}
        messages.success(request, _("%(area)s is announced.") % said)
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Announce an area"),
        submit=_("Announce"),
        template="surveillance/arrivals/announce.html",
        context={
            "origins": queries.origins_near(clock.day_of(request.now)),
            "back_url": reverse("surveillance:arrivals:risk_areas"),
        },
    )


@allowed(VIEW)
def risk_area(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One announcement, and until when it stands."""
    found = get_object_or_404(queries.risk_areas(), public_id=public_id)
    may_end = queries.risk_areas_to_change(request.user, request.now).filter(pk=found.pk).exists()
    form = None
    if may_end:
        form = pages.editing(
            forms.EndAnnouncementForm(request.POST or None, risk_area=found, at=request.now), found
        )
        if pages.carry_out(request, form, actions.end_announcement, risk_area=found):
            messages.success(request, _("The announcement is changed."))
            return redirect(found)
    elif request.method == "POST":  # who only reads
        return HttpResponseNotAllowed(["GET"])
    page = {
        "risk_area": found,
        "tier": drawn.announced_tier(found),
        "condition": describe.condition(found),
        "days": describe.days(found),
        "form": form,
        "history": audit.history_of(found),
    }
    if form is not None:
        pages.forms.dress(form)
    status = 200 if form is None else pages.status_of(form)
    return render(request, "surveillance/arrivals/risk_area.html", page, status=status)
