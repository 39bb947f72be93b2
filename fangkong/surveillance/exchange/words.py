"""Why a message is not taken, and why a result waits, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fangkong.core.imports import words as kit

from .models import SentResult
from .rules import MOST_BYTES, MOST_RESULTS, Fault

FAULTS: Mapping[str, str | Promise] = {
    "too_big": _("A message may hold at most %(megabytes)d MB. Send fewer results at a time."),
    "too_many": _("A message may hold at most %(results)d results. Send the rest in another one."),
    "encoding": _("The signs cannot be read in the encoding that is named. Send UTF-8."),
    "signs": _("A number of a tube or of the laboratory holds signs that nobody can print."),
    "moment": _("A moment of a test cannot be. Send the day and the minute, with the zone."),
    "unknown_charset": _("This character set is not read. Name UNICODE UTF-8 or GB 18030-2000."),
    "not_json": _("The body is not valid JSON. XML is not read here."),
    "no_bundle": _("Send a Bundle of FHIR R4."),
    "structure": _("This is not as FHIR R4 describes it."),
    "twice": _("Two resources of the Bundle bear one name. Give each its own."),
    "not_hl7": _("This is no HL7 v2 message. It begins with MSH."),
    "other_type": _("Only ORU^R01 is taken here."),
    "not_production": _("Only messages of production (P) are taken."),
    "no_message_id": _("The message has no number of its own of at most 120 signs."),
    "no_reports": _("The message holds no result."),
    "not_final": _("Only final and corrected results are taken. Send it when it is final."),
    "no_observation": _("The report holds no observation that is part of the message."),
    "no_number": _("The number of the tube is missing."),
    "unknown_method": _("The method is not known. Use a code of `methods` of `choices/`."),
    "unknown_outcome": _(
        "The result is not known. Say positive, negative, indeterminate or invalid."
    ),
    "several_outcomes": _("The report says several results for one tube. Say one for the whole."),
    "ct": _("A Ct value has a target that the method does not know, or is no number."),
    "no_laboratory": _("Say by `?laboratory=` in whose name the results are sent."),
}
WHY: Mapping[str, str | Promise] = {
    "unknown_tube": _("no tube of this number was sent to this laboratory"),
    "other_name": _("the message names another person than the tube"),
    "moment": _("the moment of the test does not fit the way of the tube"),
    "state": _("the tube is past it, or lies in a pool"),
    "sender_number": _("the laboratory used its number for another tube"),
    "reported": _("the tube has another result, and this one is no correction"),
    "older": _("the tube has a newer result"),
    "invalid": _("a reported result cannot become invalid: ask for a new specimen"),
    "withdrawn_pool": _("the result of a pool is taken back: correct it on the page of the pool"),
    "withdrawn_before": _("the laboratory took this result back before it came"),
    "content": _("the rules refuse it for this tube"),
    "no_result": _("the laboratory takes a result back that the tube does not have"),
    "other_result": _("the laboratory takes another result back than the newest of the tube"),
}
# How FHIR calls the kinds of faults.
ISSUES: Mapping[str, str] = {
    "too_big": "too-long",
    "too_many": "too-costly",
    "encoding": "structure",
    "signs": "structure",
    "moment": "value",
    "unknown_charset": "not-supported",
    "not_json": "structure",
    "no_bundle": "structure",
    "structure": "structure",
    "twice": "structure",
    "no_message_id": "required",
    "no_number": "required",
    "no_laboratory": "required",
    "no_reports": "required",
    "no_observation": "required",
    "unknown_method": "code-invalid",
    "unknown_outcome": "code-invalid",
}


_ROWS: Mapping[str, str | Promise] = {
    "number_mistyped": _("%(field)s: mistyped, its last sign does not fit. Look at the label."),
    "number_unreadable": _("%(field)s: no number of a tube."),
    "unknown_outcome": _("%(field)s: say positive, negative, grey or invalid."),
    "unknown_method": _("%(field)s: not a method of the rules in force."),
    "bad_moment": _("%(field)s cannot be read. Write 2020-02-05 09:30."),
    "to_come": _("%(field)s lies in the future."),
    "no_laboratory": _("You enter results for this laboratory no more."),
    "not_unknown_tube": _("No tube of this number was sent to this laboratory."),
    "not_other_name": _("The tube is another person's."),
    "not_moment": _("The moment of the test does not fit the way of the tube."),
    "not_state": _("The tube is past it, or lies in a pool."),
    "not_sender_number": _("The laboratory used its number for another tube."),
    "not_reported": _("The tube has another result. Correct it on its page."),
    "not_older": _("The tube has a newer result."),
    "not_invalid": _("A reported result cannot become invalid. Request a new specimen."),
}
_FIELDS: Mapping[str, str | Promise] = {
    "number": _("Number of the tube"),
    "outcome": _("Result"),
    "method": _("Method"),
    "tested_at": _("Tested at"),
    "sender_number": _("Number of the laboratory"),
    "ct_orf1ab": "Ct ORF1ab",
    "ct_n": "Ct N",
    "ct_e": "Ct E",
    "ct_rdrp": "Ct RdRP",
}


def reasons(items: Iterable[Any]) -> list[str]:
    """Why rows of a file are not taken, as sentences."""
    return kit.in_words(items, lambda name: str(_FIELDS.get(name, name)), _ROWS)


def fault(problem: Fault) -> str:
    """What is wrong, and what to do."""
    values = {"megabytes": MOST_BYTES // 1024**2, "results": MOST_RESULTS}
    return str(FAULTS[problem.code]) % values


def issue(problem: Fault) -> str:
    return ISSUES.get(problem.code, "processing")


def outcome(one: SentResult) -> str:
    """What a result says; of one that takes another back, that it does."""
    return gettext("takes a result back") if one.withdraws else one.get_outcome_display()


def why(code: str) -> str:
    return str(WHY.get(code, code))
