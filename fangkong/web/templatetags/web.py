"""Template tags of the shell: built assets, icons, the nonce of htmx."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from fangkong.accounts.sign_in import queries as sign_in

if TYPE_CHECKING:
    from fangkong.web.menu import Group

register = template.Library()

DIST = Path(__file__).resolve().parent.parent / "static" / "web" / "dist"
THEMES = {"light", "dark"}


class Manifest(TypedDict):
    """What the build left behind: file names in ``dist`` and the names of the icons."""

    css: str
    js: str
    theme: str
    sprite: str
    icons: list[str]


class AssetsMissing(RuntimeError):
    """The front end has not been built."""


@register.simple_tag
def asset_css() -> SafeString:
    """The style sheet."""
    return format_html('<link rel="stylesheet" href="{}">', _url("css"))


@register.simple_tag(takes_context=True)
def asset_theme(context: dict[str, Any]) -> SafeString:
    """The small script that sets the theme before anything is painted; belongs into <head>."""
    return format_html('<script src="{}" nonce="{}"></script>', _url("theme"), _nonce(context))


@register.simple_tag(takes_context=True)
def asset_js(context: dict[str, Any]) -> SafeString:
    """The scripts of every page. Charts and maps are fetched by them only where one is shown."""
    return format_html(
        '<script type="module" src="{}" nonce="{}"></script>', _url("js"), _nonce(context)
    )


@register.simple_tag(takes_context=True)
def hx_nonce(context: dict[str, Any]) -> SafeString:
    """``hx-nonce="…"``: every element with an hx- attribute must carry it, or htmx ignores it."""
    return format_html('hx-nonce="{}"', _nonce(context))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite. Without a label it is decoration and hidden from screen readers.

    Raises ValueError on an unknown name while developing; elsewhere a dot stands in, because a
    missing picture must not take a page down.
    """
    return _icon(name, label, _url("sprite"), settings.DEBUG)


@lru_cache(maxsize=1024)
def _icon(name: str, label: str, sprite: str, strict: bool) -> SafeString:
    """A page has some sixty of them, and ever the same."""
    if name not in icon_names():
        if strict:
            raise ValueError(f"No icon {name!r}: add it to fangkong/web/ui/icons.txt and build.")
        name = "point"
    href = f"{sprite}#{name}"
    if label:
        return format_html(
            '<svg class="fk-icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, href
        )
    return format_html('<svg class="fk-icon" aria-hidden="true"><use href="{}"/></svg>', href)


@register.simple_tag(takes_context=True)
def theme_attributes(context: dict[str, Any]) -> SafeString:
    """The chosen theme as attributes of <html>: the first paint is right without a script."""
    request: HttpRequest | None = context.get("request")
    chosen = request.COOKIES.get("fk_theme", "") if request else ""
    if chosen not in THEMES:
        return SafeString("")
    return format_html('data-bs-theme="{0}" data-theme-choice="{0}"', chosen)


@register.simple_tag(takes_context=True)
def group_is_open(context: dict[str, Any], group: Group, number: int) -> bool:
    """Whether a group of the menu is open: not closed by this user, or holding this page."""
    if any(item.active for item in group.items):
        return True
    request: HttpRequest | None = context.get("request")
    closed = request.COOKIES.get("fk_menu", "") if request else ""
    return str(number) not in closed.split("-")


def icon_names() -> frozenset[str]:
    """The icons that pages and menus may use."""
    return frozenset(_manifest()["icons"])


def _nonce(context: dict[str, Any]) -> str:
    """The nonce of this answer's content security policy (django-csp), or nothing without one."""
    # Not `nonce or ""`: the lazy nonce counts as false until it is written somewhere.
    return str(getattr(context.get("request"), "csp_nonce", ""))


def _url(part: Literal["css", "js", "theme", "sprite"]) -> str:
    return _static(f"web/dist/{_manifest()[part]}")


@lru_cache(maxsize=64)
def _static(name: str) -> str:
    """A page asks some forty times, once for each icon."""
    return static(name)


def _manifest() -> Manifest:
    """Read again after each build, so that `npm run watch` needs no restart."""
    path = DIST / "manifest.json"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise AssetsMissing(
            "The front end is not built. Run `make ui`, "
            "or `npm ci && npm run build` in fangkong/web/ui."
        ) from None


@lru_cache(maxsize=2)
def _read(path: Path, changed_at: int) -> Manifest:
    manifest: Manifest = json.loads(path.read_text("utf-8"))
    return manifest


@register.simple_tag(takes_context=True)
def session_left(context: template.Context) -> int:
    """Seconds until this session ends if nothing more is done."""
    return sign_in.seconds_left(context["request"])


@register.simple_tag(takes_context=True)
def strange_sign_ins(context: template.Context) -> list[Any]:
    """Sign-ins of this user that look unlike the earlier ones and wait for a word."""
    return list(sign_in.unanswered(context["request"].user))


@register.simple_tag(takes_context=True)
def needs_second_factor(context: template.Context) -> bool:
    """Whether a role of this user asks for a second factor."""
    request = context["request"]
    return sign_in.must_have_second_factor(request.user, request.now)
