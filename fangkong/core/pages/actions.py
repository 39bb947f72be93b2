"""Save, choose and remove views of lists."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core.audit import actions as audit
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused

from . import queries, rules
from .models import SavedView

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.models import QuerySet

VIEWS_AT_MOST = 30  # of one user on one list


class PersonalView(Refused):
    """The name or a filter holds what may be a number of a person."""

    status = 422


class TooMuch(Refused):
    """More than a view may hold, or more views than a menu can show."""

    status = 422


@transaction.atomic
def save_view(
    *, path: str, name: str, query: str, is_default: bool, by: AbstractBaseUser, at: datetime
) -> SavedView:
    """Keep what a list shows under a name; the same name again replaces what it meant."""
    pairs = rules.kept(parse_qsl(query))
    if any(rules.looks_personal(text) for text in [name, *(value for _name, value in pairs)]):
        raise PersonalView(
            _("This looks like an identity or phone number. A view must not hold one.")
        )
    kept = urlencode(pairs)
    mine = _held(by, path)
    if len(kept) > rules.QUERY_LIMIT or mine.exclude(name=name).count() >= VIEWS_AT_MOST:
        raise TooMuch(_("There are too many filters or views. Remove some first."))
    if is_default:
        mine.filter(is_default=True).update(is_default=False)
    facts = {"query": kept, "is_default": is_default}
    view, _made = SavedView.objects.update_or_create(
        owner_id=by.pk,
        path=path,
        name=name,
        defaults={**facts, "changed_by_id": by.pk, "changed_at": at},
        create_defaults={**facts, **stamps(by, at)},
    )
    audit.record("core.pages.save_view", view, by=by, at=at, detail={"page": path})
    transaction.on_commit(lambda: queries.forget(by))
    return view


def _held(by: AbstractBaseUser, path: str) -> QuerySet[SavedView]:
    """A user's views of a list, held: of two browsers that choose the first one, one waits."""
    get_user_model()._default_manager.select_for_update(no_key=True).get(pk=by.pk)
    return SavedView.objects.filter(owner_id=by.pk, path=path)


@transaction.atomic
def open_with(*, view: SavedView, wanted: bool, by: AbstractBaseUser, at: datetime) -> SavedView:
    """Let the list open with this view, or no longer."""
    _held(by, view.path).update(is_default=False)
    view.is_default = wanted
    view.touch(by, at)
    view.save(update_fields=["is_default", "changed_by", "changed_at"])
    detail = {"page": view.path, "wanted": wanted}
    audit.record("core.pages.open_with", view, by=by, at=at, detail=detail)
    transaction.on_commit(lambda: queries.forget(by))
    return view


@transaction.atomic
def drop_view(*, view: SavedView, by: AbstractBaseUser, at: datetime) -> str:
    """Remove a view; the list itself loses nothing. Gives the page that it belonged to."""
    audit.record("core.pages.drop_view", view, by=by, at=at, detail={"page": view.path})
    view.delete()
    transaction.on_commit(lambda: queries.forget(by))
    return view.path
