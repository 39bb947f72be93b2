"""The accounts of a demonstration, shown where one signs in."""

from __future__ import annotations

from django import template

from fangkong.accounts import queries

register = template.Library()


@register.simple_tag
def demo_accounts() -> list[tuple[str, str]]:
    """User name and roles of every synthetic account; empty where this is no demonstration."""
    return queries.demo_accounts()


@register.simple_tag
def demo_password() -> str:
    """The one password of all synthetic accounts."""
    return queries.DEMO_PASSWORD
