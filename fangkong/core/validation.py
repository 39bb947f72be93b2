"""The words for what a field may be, in the language of who asks (pydantic knows English only)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# By pydantic's type of error; what stands in braces comes from its context.
_WORDS: dict[str, str | Promise] = {
    "missing": _("This field is missing."),
    "extra_forbidden": _("There is no such field."),
    "unknown": _("There is no such parameter. Known here: {known}."),
    "unknown_near": _("There is no such parameter. Did you mean “{near}”?"),
    "unknown_all": _("There is no such parameter: this address takes none."),
    "json_invalid": _("This is not valid JSON."),
    "string_type": _("This must be a text."),
    "string_too_short": _("This needs at least {min_length} characters."),
    "string_too_long": _("This may have at most {max_length} characters."),
    "string_pattern_mismatch": _("This holds a sign that is not allowed here."),
    "string_unicode": _("This holds a sign that is not allowed here."),
    "literal_error": _("This must be one of: {expected}."),
    "enum": _("This must be one of: {expected}."),
    "bool_type": _("This must be true or false."),
    "bool_parsing": _("This must be true or false."),
    "int_type": _("This must be a whole number."),
    "int_parsing": _("This must be a whole number."),
    "int_from_float": _("This must be a whole number."),
    "int_parsing_size": _("This number is too large."),
    "float_type": _("This must be a number."),
    "float_parsing": _("This must be a number."),
    "decimal_type": _("This must be a number."),
    "decimal_parsing": _("This must be a number."),
    "finite_number": _("This must be a number."),
    "decimal_max_places": _("This may have at most {decimal_places} decimal places."),
    "greater_than": _("This must be more than {gt}."),
    "greater_than_equal": _("This must be at least {ge}."),
    "less_than": _("This must be less than {lt}."),
    "less_than_equal": _("This must be at most {le}."),
    "date_type": _("This must be a day such as 2020-02-05."),
    "date_parsing": _("This must be a day such as 2020-02-05."),
    "date_from_datetime_parsing": _("This must be a day such as 2020-02-05."),
    "date_from_datetime_inexact": _("This must be a day such as 2020-02-05."),
    "datetime_type": _("This must be a moment such as 2020-02-05T09:00+08:00."),
    "datetime_parsing": _("This must be a moment such as 2020-02-05T09:00+08:00."),
    "datetime_from_date_parsing": _("This must be a moment such as 2020-02-05T09:00+08:00."),
    "datetime_object_invalid": _("This must be a moment such as 2020-02-05T09:00+08:00."),
    "out_of_reach": _("This moment lies beyond what can be kept."),
    "before_other": _("This must not lie before “{other}”."),
    "too_far": _("This may lie at most {days} days after the first day."),
    "in_future": _("This must not lie in the future."),
    "no_rules": _("No rules are in force on this day. Check the year."),
    "timezone_aware": _("This must name its time zone, such as 2020-02-05T09:00+08:00."),
    "uuid_type": _("This must be an id such as 01908a3e-5b1c-7c3e-9d2f-3f6f2b7f8c11."),
    "uuid_parsing": _("This must be an id such as 01908a3e-5b1c-7c3e-9d2f-3f6f2b7f8c11."),
    "list_type": _("This must be a list."),
    "dict_type": _("This must be an object."),
    "model_type": _("This must be an object."),
    "model_attributes_type": _("This must be an object."),
    "too_short": _("This list needs at least {min_length} entries."),
    "too_long": _("This list may have at most {max_length} entries."),
}


def words(error: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says, translated; any other kind says that it is not right."""
    text = str(_WORDS.get(error.get("type", ""), _("This value cannot be used here.")))
    try:
        return text.format(**error.get("ctx", {}))
    except (KeyError, IndexError):
        return text
