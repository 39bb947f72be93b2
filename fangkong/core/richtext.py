"""Rich text of editors: stored only after it was cleaned to an allow-list (security.md T13).

``SafeHtml`` is the type of cleaned text. Only ``clean`` makes one, and only a ``SafeHtml`` may be
shown as markup; plain text from a form never may.
"""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

import nh3
from django import forms
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

LONGEST = 100_000  # characters
TAGS = {
    "a", "b", "blockquote", "br", "caption", "code", "em", "figcaption", "figure", "h2", "h3", "h4",
    "hr", "i", "img", "li", "ol", "p", "pre", "s", "strong", "sub", "sup", "table", "tbody", "td",
    "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
}
SCHEMES = {"http", "https", "mailto", "tel"}
# Pictures come from our own files only: one from elsewhere would tell who reads what and when.
_OWN_PICTURE = re.compile(r"/core/files/[0-9a-f-]{36}/")
_SMALL_NUMBER = re.compile(r"[0-9]{1,4}")
_NEVER = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


class SafeHtml(SafeString):
    """Markup that ``clean`` has let through. Templates show it as it is."""

    __slots__ = ()


READINGS = 5


def clean(text: str) -> SafeHtml:
    """The text with nothing left but plain layout, links, and pictures of our own.

    Read until nothing changes: where a tag goes that kept two others apart, what is left is read
    otherwise than it was (a paragraph within a paragraph ends the outer one).
    """
    cleaned = _cleaned(text)
    for _time in range(READINGS):
        before, cleaned = cleaned, _cleaned(cleaned)
        if cleaned == before:
            break
    return cleaned


def _cleaned(text: str) -> SafeHtml:
    given = _NEVER.sub("", text.replace("\r\n", "\n"))
    cleaned = nh3.clean(
        given,
        tags=TAGS,
        clean_content_tags={"script", "style", "template", "svg", "math", "iframe", "noscript"},
        attributes={**ATTRIBUTES, "*": set()},  # or titles and languages stay everywhere
        attribute_filter=_attribute,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    # What is left of a picture from elsewhere has no source.
    return SafeHtml(re.sub(r"<img(?![^>]* src=)[^>]*>", "", cleaned).strip())


def from_store(text: str) -> SafeHtml:
    """Stored rich text to be shown: cleaned again, as the list may have grown shorter."""
    return clean(text)


def from_plain(text: str) -> SafeHtml:
    """Plain text as paragraphs: an empty line parts them."""
    parts = [part.strip() for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n"))]
    lines = [html.escape(part).replace("\n", "<br>") for part in parts if part]
    return clean("".join(f"<p>{line}</p>" for line in lines))


def plain(text: SafeHtml) -> str:
    """The words alone, for search and for a short notice."""
    return html.unescape(strip_tags(re.sub(r"</(p|li|h[2-4]|tr)>|<br>", "\n", text))).strip()


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _OWN_PICTURE.fullmatch(value) else None
    if name in ("width", "height", "colspan", "rowspan", "start"):
        return value if _SMALL_NUMBER.fullmatch(value) else None
    if name == "href":
        return value if _is_link(value) else None
    return value


def _is_link(value: str) -> bool:
    """An address of the web, or a path of ours (never //host, which leaves the house unseen)."""
    if any(sign.isspace() or sign == "\\" for sign in value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    if parts.scheme:
        return parts.scheme in SCHEMES and (bool(parts.netloc) or parts.scheme in ("mailto", "tel"))
    return not parts.netloc and value.startswith(("/", "#"))


class RichTextField(forms.CharField):
    """A text area whose value is clean markup. Text without any markup becomes paragraphs."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", LONGEST)
        kwargs.setdefault(
            "help_text",
            _("Text with simple layout: paragraphs, headings, lists, tables, links."),
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> SafeHtml:
        text = super().clean(value) or ""
        cleaned = clean(text) if re.search(r"<[a-zA-Z/!]", text) else from_plain(text)
        if self.required and not plain(cleaned) and "<img" not in cleaned:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return cleaned
