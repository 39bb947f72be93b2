"""The accounts of a demonstration, shown where one signs in."""

from __future__ import annotations

from django import template
from django.conf import settings

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


@register.simple_tag
def single_sign_on() -> str:
    """The name of the identity provider; empty where there is none."""
    return settings.SIGN_IN.oidc_name if settings.SOCIALACCOUNT_PROVIDERS else ""
