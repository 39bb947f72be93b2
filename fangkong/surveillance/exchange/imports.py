"""Files of results: a row is a tube's result, with the Ct values of each target (core/imports)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.free_text import refuse_numbers
from fangkong.core.imports import serials
from fangkong.core.imports import words as kit_words
from fangkong.core.imports.reasons import Reason
from fangkong.core.imports.types import Field, Judged, Kind, Outcome, Place, Values, declare
from fangkong.core.refusals import Refused
from fangkong.core.spelling import shown
from fangkong.packs.types import NoPackInForce
from fangkong.surveillance.testing import rules as tubes
from fangkong.surveillance.testing.types import TEST, Channel

from . import entering, forms, queries, rules, words
from .rules import PORTION, Sent
from .types import Fate

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.imports.models import ImportRun
    from fangkong.places.models import Facility

# Columns of Ct values; which of them a method has is said by the rules in force.
CT = {"ct_orf1ab": "ORF1ab", "ct_n": "N", "ct_e": "E", "ct_rdrp": "RdRP"}
METHOD_OF_MOST = "rt-pcr"  # where a file has no column of methods


class ResultDesk:
    """Where the rows of one file are judged and entered, in the name of its laboratory."""

    def __init__(self, run: ImportRun, by: User, at: datetime) -> None:
        self.run, self.by, self.at = run, by, at
        found = queries.laboratories_of(by, at).filter(pk=run.facility_id or 0).first()
        self.laboratory: Facility | None = found
        try:
            self.methods = queries.methods(at)
        except NoPackInForce:
            self.methods = ()

    def check(self, rows: Sequence[Values]) -> list[Judged]:
        """What would become of each row; nothing is written."""
        return [self._judged(values, entering.foresee, Outcome.OK, self.at) for values in rows]

    def enter(self, rows: Sequence[Values], at: datetime) -> list[Judged]:
        """Each row as the form would enter it, with its line in the trail."""
        return [self._judged(values, self._enter, Outcome.IMPORTED, at) for values in rows]

    def _enter(self, sent: Sent, laboratory: Facility, *, at: datetime) -> entering.Done:
        with transaction.atomic():
            return entering.enter(sent, laboratory, Channel.FILE.value, by=self.by, at=at)

    def _judged(
        self, values: Values, judge: Callable[..., entering.Done], good: Outcome, at: datetime
    ) -> Judged:
        sent, faults = self._read(values)
        if sent is None or self.laboratory is None:
            return Judged(Outcome.ERROR, faults or [Reason("no_laboratory")])
        mark = f"{sent.number}|{sent.method}|{sent.outcome}|{sorted(sent.ct.items())}"
        try:
            refuse_numbers(number=sent.number, sender_number=sent.sender_number)
            done = judge(sent, self.laboratory, at=at)
        except entering.DoesNotFit as problem:
            return Judged(Outcome.ERROR, [Reason(f"not_{problem.why}")], mark)
        except Refused as problem:
            return Judged(Outcome.ERROR, [kit_words.refusal(problem)], mark)
        return Judged(Outcome.KNOWN if done.fate == Fate.KNOWN else good, (), mark)

    def _read(self, values: Values) -> tuple[Sent | None, list[Reason]]:
        faults: list[Reason] = []
        number = tubes.plain_number(shown(values.get("number", "")))
        fault = "missing" if not number else ""
        if number and (wrong := tubes.number_fault(number)):
            fault = "number_mistyped" if wrong == "mistyped" else "number_unreadable"
        if fault:
            faults.append(Reason(fault, {"field": "number"}))
        outcome = rules.outcome_of([values.get("outcome", "")])
        if not outcome:
            faults.append(Reason("unknown_outcome", {"field": "outcome"}))
        said = shown(values.get("method", ""))
        method = rules.method_of([said or METHOD_OF_MOST], [one.code for one in self.methods])
        if not method:
            faults.append(Reason("unknown_method", {"field": "method"}))
        ct: dict[str, int] = {}
        for name, target in CT.items():
            if text := shown(values.get(name, "")):
                value = rules.hundredths(text)
                if value is None:
                    faults.append(Reason("not_a_number", {"field": name, "value": text[:40]}))
                else:
                    ct[target] = value
        tested_at = None
        if text := shown(values.get("tested_at", "")):
            tested_at = _moment(text)
            if tested_at is None:
                faults.append(Reason("bad_moment", {"field": "tested_at"}))
            elif tested_at > self.at + tubes.SKEW:
                faults.append(Reason("to_come", {"field": "tested_at"}))
        if faults:
            return None, faults
        sender = shown(values.get("sender_number", ""))[:80]
        return (
            Sent(
                number=number[: tubes.NUMBER_LENGTH],
                sender_number=sender,
                method=method,
                outcome=outcome,
                ct=ct,
                tested_at=tested_at,
            ),
            [],
        )


def _moment(text: str) -> datetime | None:
    """A moment of the house's zone as people and spreadsheets write it."""
    if (serial := serials.moment(text)) is not None:
        return serial.replace(tzinfo=clock.zone())
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=clock.zone())
        except ValueError:
            continue
    return None


def _chosen(cleaned: Mapping[str, Any]) -> tuple[Place, dict[str, object]]:
    one: Facility = cleaned["laboratory"]
    return Place(one.area.county_id, one.area_id, one.pk, one.name_zh), {}


RESULTS = declare(
    Kind(
        name="surveillance.exchange.results",
        title=_("Import results"),
        permission=TEST,
        urls="surveillance:exchange:",
        fields=[
            Field(
                "number",
                _("Number of the tube"),
                (
                    "采样管编号",
                    "Number of the tube",
                    "标本编号",
                    "条码号",
                    "条码",
                    "管号",
                    "编号",
                    "Barcode",
                ),
                required=True,
            ),
            Field(
                "outcome",
                _("Result"),
                ("检测结果", "Result", "结果", "结论", "Outcome"),
                required=True,
            ),
            Field("method", _("Method"), ("检测方法", "Method", "方法", "项目", "检测项目")),
            Field("ct_orf1ab", "Ct ORF1ab", ("ORF1ab", "Ct ORF1ab", "ORF1ab Ct值", "ORF1ab基因")),
            Field("ct_n", "Ct N", ("N", "Ct N", "N Ct值", "N基因")),
            Field("ct_e", "Ct E", ("E", "Ct E", "E基因"), in_template=False),
            Field("ct_rdrp", "Ct RdRP", ("RdRP", "Ct RdRP", "RdRP基因"), in_template=False),
            Field(
                "tested_at",
                _("Tested at"),
                ("检测时间", "Tested at", "检测日期时间", "完成时间"),
                is_moment=True,
            ),
            Field(
                "sender_number",
                _("Number of the laboratory"),
                ("检验编号", "Number of the laboratory", "报告编号", "检验号", "LIS"),
            ),
        ],
        open=ResultDesk,
        form=forms.UploadForm,
        chosen=_chosen,
        in_words=words.reasons,
        file_name="results",
        previewed=("number", "outcome"),
        promise=_(
            "The results are reported in the name of the laboratory: positive ones raise cases,"
            " pools that are not negative hold their members."
        ),
        portion=PORTION,
        results=lambda run: reverse("surveillance:testing:index"),
    )
)
