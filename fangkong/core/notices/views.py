"""One's own notices and choices; the ways out, for administrators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.core import pages
from fangkong.core.commands.actions import once
from fangkong.core.permissions import allowed

from . import actions, queries
from .forms import ChannelForm, FollowForm, QuietForm
from .models import Channel, Notice
from .types import MANAGE

MINE = pages.Listing[Notice](
    name="notices",
    title=_("My notices"),
    columns=[
        pages.Column("words", _("Notice"), lambda n: n.words, piece="core/notices/_words.html"),
        # A task's words may tell whom it is about: they leave the house in no file.
        pages.Column("about", _("About"), lambda n: n.about, exported=False),
        pages.Column("told", _("When"), lambda n: n.told_at, order="told_at"),
        pages.Column("read", _("State"), lambda n: n.read_at, piece="core/notices/_state.html"),
    ],
    order="-told",
    empty=_("No notice yet. What is given to your office will stand here."),
    learn=queries.with_names,
)
CHANNELS = pages.Listing[Any](
    name="channels",
    title=_("Ways out for notices"),
    columns=[
        pages.Column(
            "label",
            pgettext_lazy("thing", "Name"),
            lambda c: c.label,
            url=lambda c: f"{c.public_id}/",
        ),
        pages.Column("way", pgettext_lazy("notice", "Way"), lambda c: c.get_way_display()),
        pages.Column("host", _("Host"), lambda c: c.host),
        pages.Column(
            "last", _("Last message"), lambda c: c.last_state, piece="core/notices/_last.html"
        ),
        pages.Column("made", _("Made"), lambda c: c.created_at, order="created_at"),
        pages.Column(
            "stopped", _("State"), lambda c: c.stopped_at, piece="core/notices/_channel.html"
        ),
    ],
    order="-made",
    empty=_("No way out yet: notices stand on the desk only."),
)


@login_required
def index(request: Any) -> HttpResponseBase:
    """The newest notices first."""
    rows = queries.of_user(request.user)
    return pages.listing(request, MINE, rows, template="core/notices/index.html")


@require_POST
@login_required
def open_(request: Any, public_id: UUID) -> HttpResponse:
    """Mark a notice as read and go to its record."""
    notice = get_object_or_404(queries.of_user(request.user), public_id=public_id)
    once(pages.key_of(request), actions.read, notice=notice, by=request.user, at=request.now)
    return redirect(notice.subject_url or "core:notices:index")


@require_POST
@login_required
def read(request: Any, public_id: UUID) -> HttpResponse:
    """Mark a notice as read."""
    notice = get_object_or_404(queries.of_user(request.user), public_id=public_id)
    once(pages.key_of(request), actions.read, notice=notice, by=request.user, at=request.now)
    return redirect("core:notices:index")


@require_POST
@login_required
def read_all(request: Any) -> HttpResponse:
    """Mark all as read."""
    once(pages.key_of(request), actions.read_all, by=request.user, at=request.now)
    messages.success(request, _("All notices are marked as read."))
    return redirect("core:notices:index")


@login_required
def choices(request: Any) -> HttpResponse:
    """Quiet hours, language, and the ways by which notices come."""
    quiet = queries.quiet_of(request.user)
    form = pages.editing(QuietForm(request.POST or None, quiet), quiet)
    if pages.carry_out(request, form, actions.choose):
        messages.success(request, _("Your choice is kept."))
        return redirect("core:notices:choices")
    mine = {one.channel_id: one for one in queries.followings(request.user)}
    ways = [(channel, mine.get(channel.pk)) for channel in queries.open_channels()]
    return pages.form(
        request,
        form,
        title=_("How notices reach me"),
        submit=_("Keep"),
        template="core/notices/choices.html",
        context={"ways": ways},
    )


@login_required
def follow(request: Any, public_id: UUID) -> HttpResponse:
    """What comes by one way."""
    channel = get_object_or_404(queries.open_channels(), public_id=public_id)
    mine = queries.followings(request.user).filter(channel=channel).first()
    form = pages.editing(
        FollowForm(request.POST or None, channel, mine),
        mine or queries.nothing_followed(request.user, channel),
    )
    if pages.carry_out(request, form, actions.follow, None, channel=channel):
        messages.success(request, _("Your choice is kept."))
        return redirect("core:notices:choices")
    return pages.form(
        request,
        form,
        title=channel.label,
        submit=_("Keep"),
        template="core/notices/follow.html",
        context={"channel": channel, "following": mine},
    )


@require_POST
@login_required
def unfollow(request: Any, public_id: UUID) -> HttpResponse:
    """Have nothing more by one way."""
    channel = get_object_or_404(queries.open_channels(), public_id=public_id)
    once(pages.key_of(request), actions.unfollow, channel=channel, by=request.user, at=request.now)
    return redirect("core:notices:choices")


@allowed(MANAGE)
def channels(request: Any) -> HttpResponseBase:
    """The ways out, and the messages that were given up."""
    rows = queries.channels(request.user, request.now)
    parked = queries.parked(request.user, request.now)[:50]
    return pages.listing(
        request,
        CHANNELS,
        rows,
        template="core/notices/channels.html",
        context={"parked": parked},
    )


@allowed(MANAGE)
def new_channel(request: Any) -> HttpResponse:
    """Set up a way out."""
    form = ChannelForm(request.POST or None)
    if done := pages.carry_out(request, form, actions.add_channel):
        return redirect("core:notices:channel", done.result.public_id)
    return pages.form(request, form, title=_("New way out"), submit=_("Set up"))


@allowed(MANAGE)
def channel(request: Any, public_id: UUID) -> HttpResponse:
    """One way out: test it, close it."""
    found = _channel(request, public_id)
    return render(request, "core/notices/channel.html", {"channel": found})


@require_POST
@allowed(MANAGE)
def test_channel(request: Any, public_id: UUID) -> HttpResponse:
    """Send a test."""
    found = _channel(request, public_id)
    once(pages.key_of(request), actions.test_channel, channel=found, by=request.user,
         at=request.now)  # fmt: skip
    messages.success(request, _("A test is on its way; look here again in a moment."))
    return redirect("core:notices:channel", public_id)


@require_POST
@allowed(MANAGE)
def stop_channel(request: Any, public_id: UUID) -> HttpResponse:
    """Close a way out."""
    found = _channel(request, public_id)
    once(pages.key_of(request), actions.stop_channel, channel=found, by=request.user,
         at=request.now)  # fmt: skip
    return redirect("core:notices:channels")


@require_POST
@allowed(MANAGE)
def repeat(request: Any, public_id: UUID) -> HttpResponse:
    """Send a message again that was given up."""
    rows = queries.parked(request.user, request.now)
    message = get_object_or_404(rows, public_id=public_id)
    once(pages.key_of(request), actions.repeat, message=message, by=request.user, at=request.now)
    return redirect("core:notices:channels")


def _channel(request: Any, public_id: UUID) -> Channel:
    return get_object_or_404(queries.channels(request.user, request.now), public_id=public_id)
