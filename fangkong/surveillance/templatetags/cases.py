"""Words and tones of cases: ``{% load cases %}``."""

from __future__ import annotations

from django import template

from fangkong.surveillance.monitoring import describe
from fangkong.surveillance.monitoring.models import Judged

register = template.Library()


@register.filter
def class_name(case: Judged) -> str:
    """The case class in words."""
    return describe.case_class(case)


@register.filter
def class_tone(code: str) -> str:
    """The tone of a case class's badge."""
    return describe.TONES.get(code, "neutral")


@register.filter
def condition_name(case: Judged) -> str:
    """The disease in words."""
    return describe.condition(case)
