"""The kit's template tags: ``{% load kit %}``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from fangkong.core import clock, outgoing, slots
from fangkong.core.pages import AreaMap, BoardColumn, Chart, Column, Month, cells
from fangkong.core.pages.editing import SEEN_FIELD, editing_of
from fangkong.core.pages.forms import KEY_FIELD, answered, dress
from fangkong.core.privacy import PSEUDONYM
from fangkong.core.record import new_public_id

register = template.Library()
register.filter("answer", answered)
register.filter("outgoing", outgoing.told)

MANY = 6  # choices beyond which a list of them takes the whole width
FOLD = "fk_filters"  # cookie: the list whose folded filters are open


@register.simple_tag
def command_key() -> SafeString:
    """The hidden idempotency key of a form; a resent form carries the same one."""
    return format_html('<input type="hidden" name="{}" value="{}">', KEY_FIELD, new_public_id())


@register.simple_tag
def seen(form: forms.BaseForm) -> SafeString:
    """The state of the record on which a form was opened; nothing for a form that edits none."""
    found = editing_of(form)
    if found is None:
        return SafeString("")
    return format_html('<input type="hidden" name="{}" value="{}">', SEEN_FIELD, found.carried)


@register.simple_block_tag
def crumbs(content: SafeString) -> SafeString:
    """The frame of the breadcrumb around its items, one ``<li>`` for each page above this one."""
    frame = '<nav aria-label="{}"><ol class="fk-crumbs">{}</ol></nav>'
    return format_html(frame, _("Breadcrumb"), content)


@register.inclusion_tag("core/pages/_field.html")
def field(bound: BoundField, size: str = "") -> dict[str, Any]:
    """One form field with label, help and errors; ``size`` is a column class such as col-md-6.

    A moment whose widget has ``data-now`` (the house's clock when the page was made) has a button
    that fills it in. Also fields of a form that is not of this house (signing in) get the look.
    """
    if not bound.field.widget.attrs.get("class"):
        dress(bound.form)
        for one in bound.form.fields.values():
            one.widget.attrs.pop("placeholder", None)  # it says only what the label says
    widget = bound.field.widget
    is_choice_list = (
        getattr(widget, "input_type", "") == "radio"
        or widget.__class__.__name__ == "CheckboxSelectMultiple"
    )
    many = is_choice_list and len(getattr(bound.field, "choices", [])) > MANY
    return {
        "field": bound,
        "size": size,
        "many": many,
        "is_long": many or isinstance(widget, forms.Textarea),
        "marked": bound.field.required or bound.name in getattr(bound.form, "one_of", ()),
        "is_check": getattr(widget, "input_type", "") == "checkbox",
        "is_choice_list": is_choice_list,
        "now": widget.attrs.get("data-now"),
        "help_id": f"id_{bound.html_name}_help",
        "error_id": f"id_{bound.html_name}_error",
    }


@register.inclusion_tag("core/pages/_filter_fields.html", takes_context=True)
def filter_fields(
    context: Context, form: forms.BaseForm, name: str, chosen: int | None = None, seen: str = ""
) -> dict[str, Any]:
    """The fields of a filter bar: the search stays in sight, a phone folds the others.

    ``name`` is the list's, under which its browser keeps that the fold is open; ``chosen`` is how
    many filters are set, else those that were sent are counted; ``seen`` names what stays in sight.
    """

    def stays(bound: BoundField) -> bool:
        kind = getattr(bound.field.widget, "input_type", "")
        return kind == "search" or bound.name in seen.split()

    asked = context["request"]
    folded = [bound for bound in form if not stays(bound)]
    if chosen is None:
        chosen = sum(bool(asked.GET.get(bound.html_name)) for bound in folded)
    return {
        "seen": [bound for bound in form if stays(bound)],
        "folded": folded,
        "name": name,
        "chosen": chosen,
        "open": asked.COOKIES.get(FOLD) == name or any(bound.errors for bound in folded),
    }


@register.filter
def unfilled(form: forms.BaseForm) -> list[BoundField]:
    """The fields of which nothing is wrong but that they were left empty."""
    codes = {name: {one.code for one in found} for name, found in form.errors.as_data().items()}
    return [bound for bound in form if codes.get(bound.name) == {"required"}]


@register.filter
def kept(text: str) -> str:
    """A text that stands here, or that it was destroyed when its term was over."""
    return _("(destroyed, its term being over)") if text.startswith(PSEUDONYM) else text


@register.inclusion_tag("core/pages/_chart.html")
def chart(figure: Chart) -> dict[str, Any]:
    """A chart with its table."""
    return {"chart": figure}


@register.inclusion_tag("core/pages/_area_map.html")
def area_map(figure: AreaMap) -> dict[str, Any]:
    """A map with its table."""
    return {"map": figure}


@register.inclusion_tag("core/pages/_clock.html")
def clock_badge(
    due_at: datetime | None, now: datetime, done_at: datetime | None = None
) -> dict[str, Any]:
    """How much of a deadline is left, or by how much it was kept or missed."""
    state, text = cells.clock_facts(due_at, now, done_at)
    return {"state": state, "text": text, "due_at": due_at}


@register.inclusion_tag("core/pages/_board.html", takes_context=True)
def board(context: Context, columns: Sequence[BoardColumn], label: str) -> dict[str, Any]:
    """A board: one column for each state, cards moved by a menu."""
    return {"columns": columns, "label": label, "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("core/pages/_calendar.html")
def month(shown: Month) -> dict[str, Any]:
    """A month with its events, and the same as a list."""
    return {"month": shown}


@register.simple_tag(takes_context=True)
def list_body(context: Context, columns: Sequence[Column[Any]], rows: Iterable[Any]) -> SafeString:
    """The rows of a list."""
    return cells.body(columns, rows, context)


@register.simple_tag(takes_context=True)
def slot(context: Context, name: str, subject: object) -> SafeString:
    """What rooms above put into this place."""
    return slots.fill(name, context["request"], subject)


@register.filter
def local(moment: datetime | None) -> datetime | None:
    """A moment in the deployment's zone."""
    return None if moment is None else moment.astimezone(clock.zone())


@register.filter
def masked(value: str) -> SafeString:
    """A masked value, marked as such for eyes and screen readers."""
    return format_html('<span class="fk-masked" title="{}">{}</span>', _("masked"), value)
