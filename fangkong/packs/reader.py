"""Turning the tables of one pack into its types; every row must point to a clause with a source."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fangkong.packs import types as t
from fangkong.packs.rules import clauses_used
from fangkong.packs.screening_reader import screening
from fangkong.packs.supplies_reader import supplies
from fangkong.packs.table import Raw, Table, rows

_JURISDICTION = re.compile(r"\*|[A-Z]{2}(-[A-Z0-9]+)*")
_ICD10 = re.compile(r"[A-Z]\d\d(\.\d)?(-[A-Z]\d\d(\.\d)?)?")


def read(file: str, raw: Raw) -> t.Pack:
    """The pack in these tables, inherited rows included; PackError where not understood."""
    header = Table(file, "pack", raw["pack"])
    pack = Reader(file, raw).pack(header)
    header.end()
    # An inherited clause that no row rests on any more is not a rule of this pack.
    used = clauses_used(pack)
    return replace(pack, clauses=tuple(c for c in pack.clauses if c.code in used))


class Reader:
    """Builds one pack from merged tables; keeps the clauses and codes that rows point to."""

    def __init__(self, file: str, raw: Raw) -> None:
        self.file, self.raw = file, raw
        self.sources: dict[str, t.Source] = {}
        self.clauses: dict[str, t.Clause] = {}
        self.whole_codes: set[str] = set()
        self.condition_codes: set[str] = set()
        self.occupation_codes: set[str] = set()
        self.case_codes: set[str] = set()

    def rows(self, section: str) -> list[Table]:
        return rows(self.file, section, self.raw)

    def pack(self, header: Table) -> t.Pack:
        first, last = header.day("valid_from"), header.span()[1]
        self.sources = {row.code(): self.source(row) for row in self.rows("sources")}
        self.clauses = {row.code(): self.a_clause(row) for row in self.rows("clauses")}
        conditions = tuple(self.condition(row) for row in self.rows("conditions"))
        self.refuse_shared_codes(conditions)
        self.whole_codes = {condition.code for condition in conditions}
        for condition in conditions:
            self.condition_codes |= {condition.code, *(s.code for s in condition.subtypes)}
        cases = tuple(self.case_class(row) for row in self.rows("case_classes"))
        self.case_codes = {case.code for case in cases}
        self.occupation_codes = {row.code() for row in self.rows("occupations")}
        return t.Pack(
            id=header.code("id"),
            title=header.text("title"),
            jurisdiction=self.jurisdiction(header),
            valid_from=first,
            valid_to=last,
            version=header.words("version"),
            status=header.choice("status", get_args(t.Status)),
            replaces=header.words("replaces", "") or None,
            extends=header.words("extends", "") or None,
            time_zone=self.time_zone(header),
            note=header.text("note"),
            file=self.file,
            sources=tuple(self.sources.values()),
            clauses=tuple(self.clauses.values()),
            conditions=conditions,
            case_classes=cases,
            report_clocks=tuple(self.report_clock(row) for row in self.rows("report_clocks")),
            severity=tuple(self.severity(row) for row in self.rows("severity")),
            occupations=tuple(self.occupation(row) for row in self.rows("occupations")),
            residence_relations=tuple(self.relation(r) for r in self.rows("residence_relations")),
            identity_documents=tuple(self.document(r) for r in self.rows("identity_documents")),
            warning=self.warning(),
            count_definitions=tuple(self.count(row) for row in self.rows("count_definitions")),
            privacy_terms=tuple(self.privacy_term(row) for row in self.rows("privacy_terms")),
            testing=self.testing(),
            screening=screening(self, first, last),
            card_checks=tuple(self.card_check(row) for row in self.rows("card_checks")),
            supplies=supplies(self),
        )

    def jurisdiction(self, header: Table) -> str:
        value = header.words("jurisdiction")
        if not _JURISDICTION.fullmatch(value):
            header.refuse("jurisdiction", f'{value!r} is not "*", "CN" or "CN-51"')
        return value

    def time_zone(self, header: Table) -> str:
        value = header.words("time_zone")
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            header.refuse("time_zone", f"{value!r} is not known; write one like Asia/Shanghai")
        return value

    def source(self, row: Table) -> t.Source:
        source = t.Source(
            code=row.code(),
            title=row.text("title"),
            number=row.words("number", ""),
            issued=row.day_or_none("issued"),
            reference=row.words("reference", ""),
        )
        row.end()
        return source

    def a_clause(self, row: Table) -> t.Clause:
        source = row.words("source")
        if source not in self.sources:
            row.refuse("source", f"there is no [[sources]] row {source!r}; add it or correct this")
        clause = t.Clause(
            code=row.code(),
            source=self.sources[source],
            article=row.words("article", ""),
            text=row.text("text"),
            from_memory=row.flag("from_memory"),
        )
        row.end()
        return clause

    def clause(self, row: Table) -> t.Clause:
        """The clause a row rests on: no row without its source."""
        code = row.words("clause")
        if code not in self.clauses:
            row.refuse("clause", f"there is no [[clauses]] row {code!r}; add it or correct this")
        return self.clauses[code]

    def condition(self, row: Table) -> t.Condition:
        first, last = row.span()
        name, clause = row.text("name"), self.clause(row)
        periods = self.periods(row, name, clause, first, last)
        condition = t.Condition(
            code=row.code(),
            name=name,
            clause=clause,
            valid_from=periods[0].valid_from,
            valid_to=periods[-1].valid_to,
            icd10=self.icd10(row),
            aliases=row.many("aliases"),
            replaces=row.many("replaces"),
            asks_course=row.flag("asks_course"),
            subtypes=tuple(self.subtype(inner, clause) for inner in row.tables("subtypes")),
            periods=periods,
        )
        row.end()
        return condition

    def periods(
        self, row: Table, name: t.Text, clause: t.Clause, first: date | None, last: date | None
    ) -> tuple[t.Period, ...]:
        """The dated periods, or one for the whole time where class and management never change."""
        inner = row.tables("periods")
        if inner and (first or last):
            row.refuse("valid_from", "a condition with [[periods]] has its days there; remove it")
        if not inner:
            disease_class = row.choice("class", get_args(t.DiseaseClass))
            as_class = row.choice("managed_as", get_args(t.DiseaseClass), disease_class)
            return (
                t.Period(
                    disease_class=disease_class,
                    managed_as=as_class,
                    name=name,
                    clause=clause,
                    valid_from=first,
                    valid_to=last,
                ),
            )
        periods = tuple(self.period(table, name) for table in inner)
        for before, after in pairwise(periods):
            if before.valid_to is None or after.valid_from is None:
                row.refuse("periods", "only the last may lack valid_to; add the missing days")
            if after.valid_from != before.valid_to + timedelta(days=1):
                row.refuse(
                    "periods",
                    f"one ends on {before.valid_to} and the next begins on {after.valid_from};"
                    " they must follow each other day by day",
                )
        return periods

    def period(self, row: Table, usual_name: t.Text) -> t.Period:
        first, last = row.span()
        disease_class = row.choice("class", get_args(t.DiseaseClass))
        period = t.Period(
            disease_class=disease_class,
            managed_as=row.choice("managed_as", get_args(t.DiseaseClass), disease_class),
            name=row.text("name") if row.has("name_zh") else usual_name,
            clause=self.clause(row),
            valid_from=first,
            valid_to=last,
        )
        row.end()
        return period

    def subtype(self, row: Table, whole: t.Clause) -> t.Subtype:
        classes: tuple[t.DiseaseClass, ...] = get_args(t.DiseaseClass)
        subtype = t.Subtype(
            code=row.code(),
            name=row.text("name"),
            icd10=self.icd10(row),
            clause=self.clause(row) if row.has("clause") else whole,
            managed_as=row.choice("managed_as", classes) if row.has("managed_as") else None,
            asks_course=row.flag("asks_course"),
        )
        row.end()
        return subtype

    def icd10(self, row: Table) -> tuple[str, ...]:
        codes = row.many("icd10")
        for code in codes:
            if not _ICD10.fullmatch(code):
                row.refuse("icd10", f"{code!r} is not an ICD-10 code such as A00, A06.0 or B20-B24")
        return codes

    def refuse_shared_codes(self, conditions: tuple[t.Condition, ...]) -> None:
        """A card holds one code, so subtypes and conditions may not share one."""
        seen: set[str] = set()
        for condition in conditions:
            for code in (condition.code, *(form.code for form in condition.subtypes)):
                if code in seen:
                    place = f"conditions ({condition.code})"
                    Table(self.file, place, {}).refuse(
                        "code", f"{code!r} is used twice; give one row another code"
                    )
                seen.add(code)

    def known(self, row: Table, key: str, codes: set[str], section: str) -> tuple[str, ...]:
        """A list of codes that all exist in another section."""
        values = row.many(key)
        for value in values:
            if value not in codes:
                row.refuse(key, f"{value!r} is not in {section}; add it there or correct this")
        return values

    def named(self, row: Table) -> Raw:
        """What every row has: code, name, clause and days."""
        first, last = row.span()
        return {
            "code": row.code(),
            "name": row.text("name"),
            "clause": self.clause(row),
            "valid_from": first,
            "valid_to": last,
        }

    def case_class(self, row: Table) -> t.CaseClass:
        case = t.CaseClass(
            **self.named(row),
            mapping=t.Mapping(
                who=row.words("who", ""),
                ecdc=row.words("ecdc", ""),
                cste=row.words("cste", ""),
                fhir=row.words("fhir", ""),
            ),
            reportable=row.flag("reportable", default=True),
            only=self.known(row, "only", self.condition_codes, "conditions"),
            not_for=self.known(row, "not_for", self.condition_codes, "conditions"),
        )
        row.end()
        return case

    def report_clock(self, row: Table) -> t.ReportClock:
        as_class = row.many("managed_as")
        classes: tuple[t.DiseaseClass, ...] = get_args(t.DiseaseClass)
        for value in as_class:
            if value not in classes:
                row.refuse("managed_as", f"unknown {value!r}; use one of {', '.join(classes)}")
        clock = t.ReportClock(
            **self.named(row),
            duty=row.choice("duty", get_args(t.Duty)),
            trigger=row.choice("trigger", get_args(t.Trigger)),
            hours=row.number("hours", 1),
            who=row.text("who"),
            channel=row.text("channel"),
            conditions=self.known(row, "conditions", self.condition_codes, "conditions"),
            managed_as=tuple(value for value in classes if value in as_class),
            case_classes=self.known(row, "case_classes", self.case_codes, "case_classes"),
            late=self.lateness(row),
        )
        row.end()
        return clock

    def lateness(self, row: Table) -> t.Lateness | None:
        """What follows once the time of a clock is over, where the pack says it."""
        lines = row.tables("late")
        if not lines:
            return None
        if len(lines) > 1:
            row.refuse("late", "stands here twice; leave one out")
        (line,) = lines
        late = t.Lateness(
            hours=line.number("hours", 1, 720), each=line.flag("each"), clause=self.clause(line)
        )
        line.end()
        return late

    def severity(self, row: Table) -> t.Severity:
        only = self.known(row, "only", self.condition_codes, "conditions")
        severity = t.Severity(**self.named(row), who=row.words("who", ""), only=only)
        row.end()
        return severity

    def occupation(self, row: Table) -> t.Occupation:
        occupation = t.Occupation(**self.named(row), asks_school=row.flag("asks_school"))
        row.end()
        return occupation

    def card_check(self, row: Table) -> t.CardCheck:
        """A line of the card audit."""
        filled = row.many("filled")
        for field in filled:
            if field not in t.CARD_FIELDS:
                row.refuse("filled", f"unknown {field!r}; use some of {', '.join(t.CARD_FIELDS)}")

        def whole(key: str, least: int, most: int) -> int | None:
            return row.number(key, least, most) if row.has(key) else None

        def among(key: str, section: str) -> tuple[str, ...]:
            codes = {str(one.raw.get("code", "")) for one in self.rows(section)}
            return self.known(row, key, codes, section)

        check = t.CardCheck(
            **self.named(row),
            dimension=row.choice("dimension", get_args(t.CardDimension)),
            filled=filled,
            only=self.known(row, "only", self.condition_codes, "conditions"),
            classes=among("classes", "case_classes"),
            occupations=among("occupations", "occupations"),
            relations=among("relations", "residence_relations"),
            months_from=whole("months_from", 0, 1800),
            months_below=whole("months_below", 1, 1800),
            delay_days=whole("delay_days", 1, 3650),
            open_days=whole("open_days", 1, 3650),
            died=row.flag("died"),
        )
        if check.months_below is not None and check.months_below <= (check.months_from or 0):
            row.refuse("months_below", "is not more than months_from; no card would fit")
        row.end()
        return check

    def relation(self, row: Table) -> t.ResidenceRelation:
        distances: tuple[t.Distance, ...] = get_args(t.Distance)
        said = row.many("lives")
        for value in said:
            if value not in distances:
                row.refuse("lives", f"unknown {value!r}; use some of {', '.join(distances)}")
        if not said:
            row.refuse("lives", f"missing; write how far off: some of {', '.join(distances)}")
        lives = tuple(value for value in distances if value in said)
        relation = t.ResidenceRelation(**self.named(row), lives=lives)
        row.end()
        return relation

    def document(self, row: Table) -> t.IdentityDocument:
        document = t.IdentityDocument(**self.named(row), check=row.words("check", ""))
        row.end()
        return document

    def warning(self) -> t.WarningPlan:
        return t.WarningPlan(
            moving_percentile=self.moving_percentile(),
            adaptive=self.adaptive() if "adaptive" in self.raw else None,
            ears=self.ears(),
            rules=tuple(self.warning_rule(row) for row in self.rows("warning_rules")),
            clocks=tuple(self.response_clock(row) for row in self.rows("warning_clocks")),
            places=tuple(self.place_rule(row) for row in self.rows("place_rules")),
            load=self.load() if "load" in self.raw else None,
        )

    def settings(self, key: str) -> Table:
        if key not in self.raw:
            raise t.PackError(f"{self.file}: the table [{key}] is missing; add it")
        return Table(self.file, key, self.raw[key])

    def moving_percentile(self) -> t.MovingPercentile:
        row = self.settings("moving_percentile")
        whens: tuple[Literal["above", "at_or_above"], ...] = ("above", "at_or_above")
        settings = t.MovingPercentile(
            years=row.number("years", 1),
            half_window=row.number("half_window", 0),
            block_days=row.number("block_days", 1),
            year_days=row.number("year_days", 364, 366),
            percentile=row.number("percentile", 1, 99),
            minimum_count=row.number("minimum_count", 1),
            signal_when=row.choice("signal_when", whens),
            clause=self.clause(row),
        )
        row.end()
        return settings

    def adaptive(self) -> t.Adaptive:
        row = self.settings("adaptive")
        settings = t.Adaptive(
            alpha=row.positive("alpha"),
            years=row.number("years", 1, 20),
            guard_weeks=row.number("guard_weeks", 0, 52),
            minimum_count=row.number("minimum_count", 1),
            clause=self.clause(row),
        )
        if settings.alpha >= 1:
            row.refuse("alpha", "must lie between 0 and 1")
        row.end()
        return settings

    def ears(self) -> t.Ears:
        row = self.settings("ears")
        settings = t.Ears(
            baseline_days=row.number("baseline_days", 2),
            gap_days=row.number("gap_days", 0),
            threshold_c1=row.positive("threshold_c1"),
            threshold_c2=row.positive("threshold_c2"),
            threshold_c3=row.positive("threshold_c3"),
            minimum_count=row.number("minimum_count", 1),
            clause=self.clause(row),
        )
        row.end()
        return settings

    def warning_rule(self, row: Table) -> t.WarningRule:
        first, last = row.span()
        row.code()
        condition = row.words("condition")
        if condition not in self.condition_codes:
            row.refuse("condition", f"{condition!r} is not in conditions; add it or correct this")
        method = row.choice("method", get_args(t.Method))
        fixed = method == "fixed_count"
        rule = t.WarningRule(
            condition=condition,
            method=method,
            clause=self.clause(row),
            fixed_count=row.number("fixed_count", 1) if fixed else None,
            percentile=row.number("percentile", 1, 99) if method == "moving_percentile" else None,
            minimum_count=1 if fixed else row.number("minimum_count", 1),
            valid_from=first,
            valid_to=last,
        )
        row.end()
        return rule

    def place_rule(self, row: Table) -> t.PlaceRule:
        place = row.choice("place", get_args(t.PlaceKind))
        occupations = row.many("occupations")
        for code in occupations:
            if code not in self.occupation_codes:
                row.refuse("occupations", f"{code!r} is not in occupations; correct this")
        if place != "village" and not occupations:
            row.refuse("occupations", "missing; write whose place of work or school counts")
        if place == "village" and occupations:
            row.refuse("occupations", "a village is where people live; remove this")
        rule = t.PlaceRule(
            **self.named(row),
            place=place,
            days=row.number("days", 1, 60),
            cases=row.number("cases", 1),
            conditions=self.known(row, "conditions", self.condition_codes, "conditions"),
            occupations=occupations,
        )
        row.end()
        return rule

    def load(self) -> t.Load:
        row = self.settings("load")
        load = t.Load(
            signals_per_county_week=row.positive("signals_per_county_week"),
            clause=self.clause(row),
        )
        row.end()
        return load

    def response_clock(self, row: Table) -> t.ResponseClock:
        clock = t.ResponseClock(
            **self.named(row),
            hours=row.number("hours", 1),
            trigger=row.choice("trigger", get_args(t.Trigger)),
        )
        row.end()
        return clock

    def count(self, row: Table) -> t.CountDefinition:
        if not row.many("case_classes"):
            row.refuse("case_classes", "missing; say which case classes are counted")
        count = t.CountDefinition(
            **self.named(row),
            purpose=row.choice("purpose", get_args(t.Purpose)),
            case_classes=self.known(row, "case_classes", self.case_codes, "case_classes"),
            date_basis=row.choice("date_basis", get_args(t.DateBasis)),
            conditions=self.known(row, "conditions", self.condition_codes, "conditions"),
        )
        row.end()
        return count

    def privacy_term(self, row: Table) -> t.PrivacyTerm:
        term = t.PrivacyTerm(**self.named(row), days=row.number("days", 1))
        row.end()
        return term

    def testing(self) -> t.TestingPlan:
        specimens = tuple(self.specimen(row) for row in self.rows("specimen_types"))
        methods = tuple(self.test_method(row) for row in self.rows("test_methods"))
        groups = tuple(self.test_group(row) for row in self.rows("test_groups"))
        return t.TestingPlan(
            specimens=specimens,
            methods=methods,
            groups=groups,
            pools=tuple(self.pool_rule(r, groups, specimens) for r in self.rows("pool_rules")),
            singly=tuple(self.tested_singly(row) for row in self.rows("tested_singly")),
            judgements=tuple(self.judgement(r, methods) for r in self.rows("test_judgements")),
        )

    def specimen(self, row: Table) -> t.SpecimenType:
        specimen = t.SpecimenType(
            **self.named(row),
            biosafety=row.words("biosafety", ""),
            of_person=row.flag("of_person", default=True),
        )
        row.end()
        return specimen

    def test_method(self, row: Table) -> t.AssayMethod:
        method = t.AssayMethod(
            **self.named(row),
            targets=row.many("targets"),
            targets_of=self.targets_of(row),
            has_ct=row.flag("has_ct"),
            conditions=self.known(row, "conditions", self.condition_codes, "conditions"),
        )
        if method.has_ct and not method.every_target():
            row.refuse("targets", "missing; name the targets whose Ct values are told")
        row.end()
        return method

    def targets_of(self, row: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The targets of a method by disease."""
        found: dict[str, tuple[str, ...]] = {}
        for line in row.tables("targets_of"):
            condition = line.code("condition")
            if condition not in self.condition_codes:
                line.refuse(
                    "condition", f"{condition!r} is not in conditions; add it there or correct this"
                )
            if condition in found:
                line.refuse("condition", f"{condition!r} stands here twice; leave one out")
            found[condition] = line.many("targets")
            if not found[condition]:
                line.refuse("targets", "missing; name the targets of this disease")
            line.end()
        return tuple(found.items())

    def test_group(self, row: Table) -> t.TestedGroup:
        hours = row.number("hours", 1)
        group = t.TestedGroup(
            **self.named(row),
            hours=hours,
            target_hours=row.number("target_hours", 1, hours) if row.has("target_hours") else None,
            mandatory=row.flag("mandatory"),
            screening=row.flag("screening"),
            of_person=row.flag("of_person", default=True),
        )
        row.end()
        return group

    def pool_rule(
        self, row: Table, groups: tuple[t.TestedGroup, ...], specimens: tuple[t.SpecimenType, ...]
    ) -> t.PoolRule:
        screened = {group.code for group in groups if group.screening}
        of_persons = {one.code for one in specimens if one.of_person}
        rule = t.PoolRule(
            **self.named(row),
            size=row.number("size", 2, 100),
            groups=self.known(row, "groups", screened, "test_groups with screening = true"),
            specimens=self.known(row, "specimens", of_persons, "specimen_types of persons"),
            per_million=row.number("per_million", 1, 1_000_000) if row.has("per_million") else None,
        )
        for key, codes in (("groups", rule.groups), ("specimens", rule.specimens)):
            if not codes:
                row.refuse(key, "missing; a pool is never for everybody and everything")
        row.end()
        return rule

    def tested_singly(self, row: Table) -> t.TestedSingly:
        classes = sorted({str(one.raw.get("code", "")) for one in self.rows("contact_classes")})
        singly = t.TestedSingly(
            **self.named(row),
            contact_class=row.choice("contact_class", tuple(classes)),
            conditions=self.known(row, "conditions", self.condition_codes, "conditions"),
        )
        row.end()
        return singly

    def judgement(self, row: Table, methods: tuple[t.AssayMethod, ...]) -> t.ResultJudgement:
        condition = row.words("condition")
        if condition not in self.condition_codes:
            row.refuse("condition", f"{condition!r} is not in conditions; add it or correct this")
        codes = {method.code for method in methods}
        judgement = t.ResultJudgement(
            **self.named(row),
            condition=condition,
            methods=self.known(row, "methods", codes, "test_methods"),
            becomes=row.choice("becomes", tuple(sorted(self.case_codes))),
            without_symptoms=row.choice("without_symptoms", tuple(sorted(self.case_codes)))
            if row.has("without_symptoms")
            else "",
        )
        if not judgement.methods:
            row.refuse("methods", "missing; say which methods are proof")
        row.end()
        return judgement
