"""Form widgets drawn in Python: a filter bar with seventy diseases is seventy templates otherwise.

Django asks the renderer (settings.FORM_RENDERER) for each widget by the name of its template. The
usual ones are written here as their templates write them; all others go to the templates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import conditional_escape as shown
from django.utils.safestring import SafeString, mark_safe

OPTION = "django/forms/widgets/select_option.html"


class Renderer(DjangoTemplates):
    """Draws plain selects and inputs itself."""

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        draw = _DRAWN.get(template_name)
        drawn = draw(context["widget"]) if draw else None
        return drawn if drawn is not None else super().render(template_name, context, request)


def _attrs(attrs: Mapping[str, Any]) -> str:
    return "".join(
        f" {shown(name)}" if value is True else f' {shown(name)}="{shown(str(value))}"'
        for name, value in attrs.items()
        if value is not False
    )


def _select(widget: Mapping[str, Any]) -> SafeString | None:
    parts = [f'<select name="{shown(widget["name"])}"{_attrs(widget["attrs"])}>']
    for group, options, _index in widget["optgroups"]:
        parts += [f'<optgroup label="{shown(group)}">'] if group else []
        for option in options:
            if option["template_name"] != OPTION:
                return None
            value = shown(str(option["value"]))
            label = shown(option["label"])
            parts.append(f'<option value="{value}"{_attrs(option["attrs"])}>{label}</option>')
        parts += ["</optgroup>"] if group else []
    return mark_safe("".join([*parts, "</select>"]))  # noqa: S308  # every part is escaped


def _input(widget: Mapping[str, Any]) -> SafeString:
    value = widget["value"]
    said = "" if value is None else f' value="{shown(str(value))}"'
    return mark_safe(  # noqa: S308  # every part is escaped
        f'<input type="{shown(widget["type"])}" name="{shown(widget["name"])}"'
        f"{said}{_attrs(widget['attrs'])}>"
    )


_DRAWN: dict[str, Callable[[Mapping[str, Any]], SafeString | None]] = {
    "django/forms/widgets/select.html": _select,
    **{
        f"django/forms/widgets/{kind}.html": _input
        for kind in ("text", "date", "datetime", "number", "hidden", "email", "url", "time")
    },
}
