"""Forms: plain Django forms with the kit's look, an error summary and the command key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar, cast

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fangkong.core.commands.actions import answered_on, given_before
from fangkong.core.commands.states import Stale
from fangkong.core.refusals import Refused, WrongFields
from fangkong.core.spelling import shown, spelled

from .editing import editing_of, say_stale

M = TypeVar("M", bound=Model)
R = TypeVar("R")

KEY_FIELD = "_key"
_CSRF = "csrfmiddlewaretoken"

_CLASSES: list[tuple[type[forms.Widget], str]] = [
    (forms.CheckboxInput, "form-check-input"),
    (forms.RadioSelect, "form-check-input"),
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.SelectMultiple, "form-select"),
    (forms.Widget, "form-control"),
]


def dress(form: forms.BaseForm) -> None:
    """Give every widget the class of the look and tell screen readers about help and errors."""
    for name, field in form.fields.items():
        widget = field.widget
        css = next(css for kind, css in _CLASSES if isinstance(widget, kind))
        classes = [widget.attrs.get("class", ""), css]
        if form.is_bound and name in form.errors:
            classes.append("is-invalid")
            widget.attrs["aria-invalid"] = "true"
        widget.attrs["class"] = " ".join(dict.fromkeys(" ".join(classes).split()))
        own = form.add_prefix(name)  # two forms on one page may have fields of the same name
        described = [f"id_{own}_help"] if field.help_text else []
        described += [f"id_{own}_error"] if form.is_bound and name in form.errors else []
        if described:
            widget.attrs["aria-describedby"] = " ".join(described)
        if isinstance(widget, forms.DateInput) and not isinstance(widget, forms.DateTimeInput):
            widget.input_type = "date"
            widget.format = "%Y-%m-%d"
        if isinstance(widget, forms.DateTimeInput):
            widget.input_type = "datetime-local"
            widget.format = "%Y-%m-%dT%H:%M"


class Form(forms.Form):
    """The base of every form of the house."""

    required_css_class = "required"
    one_of: ClassVar[tuple[str, ...]] = ()  # fields of which one must be filled in: all are marked

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for field in self.fields.values():
            _ask_for(field)

    def _clean_fields(self) -> None:
        """A text of signs that show nothing is none."""
        super()._clean_fields()  # type: ignore[misc]  # the stubs leave it out
        for name, field in self.fields.items():
            value = self.cleaned_data.get(name)
            if isinstance(value, str) and value and not shown(value):
                self.cleaned_data[name] = ""
                if field.required:
                    self.add_error(name, field.error_messages["required"])

    def get_context(self) -> dict[str, Any]:
        dress(self)
        return super().get_context()

    def unseen(self) -> Mapping[str, tuple[object, object]]:
        """What the form may change without showing it: name to label and the value now.

        So that ``editing`` notices, and names, that somebody else has changed it.
        """
        return {}

    def refuse(self, problem: Refused) -> None:
        """Say why the action was not done, beside each field that ``problem`` names."""
        refused(self, problem)


def _ask_for(field: forms.Field) -> None:
    """An empty field says what to do, not that it "is required"; its own words stay."""
    if field.error_messages["required"] is forms.Field.default_error_messages["required"]:
        chosen = isinstance(field, (forms.ChoiceField, forms.FileField))
        field.error_messages["required"] = (
            _("Please choose.") if chosen else _("Please fill this in.")
        )


class FilterForm(Form):
    """The filter bar of a list: every field optional; where a value is wrong nothing is listed.

    ``standing``: choices that narrow the list also where nothing was chosen, as "mine" does.
    """

    standing: ClassVar[tuple[str, ...]] = ()
    # What is offered for another field's choice, as townships of a county: left over from the
    # choice before, such a value says nothing.
    dependent: ClassVar[tuple[str, ...]] = ()

    def wrong(self) -> list[str]:
        """The filters whose value is not, or no longer, there; nothing fits those."""
        return [name for name in self.errors if name not in self.dependent]

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        """The rows that fit ``self.cleaned_data``."""
        raise NotImplementedError

    def chosen(self) -> dict[str, Any]:
        """The filters that are set, cleaned; fields in error are left out."""
        self.is_valid()
        given = self.cleaned_data.items()
        return {name: v for name, v in given if v is not False and v not in ("", None)}


class PersonSearch(Form):
    """The box that finds persons; sent in the body of the request, never in its address.

    Drawn by ``core/pages/_search.html``; ``label`` says what is found.
    """

    label: ClassVar[str | Promise]

    text = forms.CharField(
        max_length=100,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "autocomplete": "off",
                "placeholder": _("Name, pinyin, initials, whole document or phone number"),
            }
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = str(self.label)


class MomentField(forms.DateTimeField):
    """When something was done; now where it is left empty."""

    def __init__(self, **kwargs: Any) -> None:
        formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        super().__init__(
            required=False, input_formats=formats, widget=forms.DateTimeInput(), **kwargs
        )


class RecordField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """One of the records that the form offers as ``queryset``, by its public id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=None, to_field_name="public_id", **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.display_name)


class SearchField(forms.CharField):
    """The search box of a filter bar: names in Chinese, in pinyin or by its initials.

    Only for records whose names may stand in an address. Persons are searched by POST.
    """

    def __init__(self, *, label: str | Promise, placeholder: str | Promise = "") -> None:
        box = forms.TextInput(attrs={"type": "search", "placeholder": placeholder or label})
        super().__init__(label=cast(str, label), required=False, max_length=60, widget=box)


def answered(bound: forms.BoundField) -> str:
    """What was answered, in the words of the form's choices."""
    value = bound.value()
    if isinstance(bound.field, forms.BooleanField):
        return gettext("yes") if value else gettext("no")
    chosen = value if isinstance(value, (list, tuple)) else [value]
    words = {str(key): str(label) for key, label in getattr(bound.field, "choices", [])}
    return ", ".join(words.get(str(one), str(one)) for one in chosen if one not in (None, ""))


def named_like(rows: QuerySet[M], text: str, column: str = "search_text") -> QuerySet[M]:
    """The rows whose names, pinyin or initials hold a text; all of them for an empty one.

    ``column`` holds what ``core.spelling.search_text`` made of the names.
    """
    typed = spelled(text)
    return rows.filter(**{f"{column}__contains": typed}) if typed else rows


def refused(form: forms.BaseForm, problem: Refused) -> None:
    """A refusal as an error of a form."""
    if isinstance(problem, Stale) and editing_of(form) is not None:
        say_stale(form)
        return
    if isinstance(problem, WrongFields):
        for name, text in problem.faults:
            form.add_error(name if name in form.fields else None, text)
        return
    field = getattr(problem, "field", None)
    form.add_error(field if field in form.fields else None, str(problem))


def key_of(request: HttpRequest) -> str:
    """The idempotency key that the page gave its form, or that a script sent as a header."""
    return request.POST.get(KEY_FIELD, "") or request.headers.get("Idempotency-Key", "")


def pressed(request: HttpRequest, form: forms.BaseForm, *known: str) -> str:
    """Which button named ``decision`` sent a form: one of ``known``, or "" and the form says so.

    No decision follows from a button that is not there, whatever sent the request.
    """
    said = request.POST.get("decision", "")
    if said in known:
        return said
    if form.is_bound:
        form.is_valid()  # an error can be added only to a form that was looked through
        form.add_error(None, _("Decide with one of the buttons of this page."))
    return ""


@dataclass(frozen=True)
class Done(Generic[R]):
    """An action was carried out; ``result`` is what it gave back.

    ``again``: by an earlier request of the same key. What is told once is then told no more.
    """

    result: R
    again: bool = False


def carry_out(
    request: HttpRequest,
    form: forms.BaseForm,
    action: Callable[..., R],
    asked: Callable[[], Mapping[str, object]] | None = None,
    /,
    **given: object,
) -> Done[R] | None:
    """Do an action once with what a form holds. None: nothing was sent, or the form says why not.

    ``asked`` is called when the form is valid and gives the action's arguments; without it they are
    ``form.cleaned_data``. ``given`` are those that the page knows itself. A refusal becomes an
    error of the form, beside the field that its ``field`` names. A form tied to a record by
    ``editing`` is refused where the record is newer than the form::

        form = TaskForm(request.POST or None)
        if done := pages.carry_out(request, form, actions.give, form.cleaned):
            return redirect(done.result)
        return pages.form(request, form, title=…, submit=…)
    """
    if request.method != "POST" or not form.is_valid():
        return None
    by, at = request.user, cast(Any, request).now
    try:
        facts = {**(form.cleaned_data if asked is None else asked()), **given}
        tied = editing_of(form)
        seen = None if tied is None else tied.seen
        return Done(*answered_on(seen, key_of(request), action, by=by, at=at, **facts))
    except Refused as problem:
        say = form.refuse if isinstance(form, Form) else partial(refused, form)
        say(problem)
        return None


def done_before(request: HttpRequest, action: Callable[..., R]) -> Done[R] | None:
    """What an action gave when the form of this key came before; None where it did not.

    Ask it before ``carry_out`` where a form is refused once it was carried out, as that of the last
    goods of a lot: whoever sends it again because the answer was lost is then told what was done.
    """
    given = given_before(key_of(request), action, by=cast(Any, request).user)
    return None if given is None else Done(given, again=True)


def form(
    request: HttpRequest,
    form: forms.BaseForm,
    *,
    title: str | Promise,
    submit: str | Promise,
    template: str = "core/pages/form.html",
    context: Mapping[str, object] | None = None,
    status: int | None = None,
) -> HttpResponse:
    """Draw a form page: 200 when empty, 422 when it was sent and holds errors, 412 when stale."""
    dress(form)
    return render(
        request,
        template,
        {"form": form, "title": title, "submit": submit, **(context or {})},
        status=status or status_of(form),
    )


def status_of(form: forms.BaseForm) -> int:
    """How a page with a form is answered: 412 where its record is newer, 422 where it has errors"""
    tied = editing_of(form)
    if tied is not None and tied.stale:
        return Stale.status
    return 422 if form.is_bound and form.errors else 200


def unconfirmed(
    request: HttpRequest, consequence: str | Promise, *, submit: str | Promise, back_url: str
) -> HttpResponse | None:
    """The page that names the consequence, for browsers in which no dialog has done so; else None.

    For POST views behind a form with ``data-confirm``: the dialog's script sends ``_confirmed``::

        if page := pages.unconfirmed(request, _("…"), submit=_("Remove"), back_url=…):
            return page
    """
    if request.POST.get("_confirmed") == "yes":
        return None
    sent = [(n, v) for n, values in request.POST.lists() for v in values if n != _CSRF]
    shown = {"consequence": consequence, "submit": submit, "back_url": back_url, "sent": sent}
    return render(request, "core/pages/confirm.html", shown)
