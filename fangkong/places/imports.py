"""Areas and facilities from files: what the columns are, and how rows enter the directory.

The columns are those of ``data/areas.csv`` and ``data/facilities.csv``; an area stands below its
parent, which may come in the same file. Level and parent may be left out where the code says them
(GB/T 2260). People come in a column of their own per census, or as one figure beside its year.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, pages
from fangkong.core.imports import serials, words
from fangkong.core.imports.reasons import Reason
from fangkong.core.imports.types import (
    Field,
    Judged,
    Kind,
    Outcome,
    Place,
    Values,
    declare,
)
from fangkong.core.refusals import Refused
from fangkong.core.spelling import shown

from . import actions, queries, rules
from .models import Area, Facility, Population
from .types import IMPORT, AreaFacts, CountKind, FacilityFacts, FacilityKind, Level

if TYPE_CHECKING:
    from fangkong.core.imports.models import ImportRun

T = TypeVar("T")
CENSUSES = (2000, 2010, 2020)  # 第五、六、七次全国人口普查
Counts = dict[tuple[int, str], int]  # year and kind of a figure -> people
Choices = type[models.TextChoices]
# What lists of areas in China call the levels; 市 alone may be a prefecture or a county.
CALLED: Mapping[str, str] = {
    **dict.fromkeys(["国家级"], Level.COUNTRY.value),
    **dict.fromkeys(["省级", "直辖市", "自治区"], Level.PROVINCE.value),
    **dict.fromkeys(["地级", "市级", "州级", "地级市", "自治州", "地区"], Level.PREFECTURE.value),
    **dict.fromkeys(["县级", "县", "区", "市辖区", "县级市", "自治县"], Level.COUNTY.value),
    **dict.fromkeys(["乡级", "乡", "镇", "街道", "乡镇"], Level.TOWNSHIP.value),
    **dict.fromkeys(["村级", "村", "社区"], Level.VILLAGE.value),
}


class _Row:
    """One row on its way to facts; ``faults`` grows as its cells are read."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.faults: list[Reason] = []

    def text(self, name: str, model: type[models.Model], *, required: bool = False) -> str:
        value = shown(self.values.get(name, ""))
        if required and not value:
            self.fault("missing", name)
        limit = getattr(model._meta.get_field(name), "max_length", None) or 0
        if len(value) > limit:
            self.fault("too_long", name, limit=limit)
        if not value.isprintable():
            self.fault("unreadable", name)
        return value

    def choice(self, name: str, choices: Choices, also: Mapping[str, str] | None = None) -> str:
        """A code of the choices, given as itself or by its name in either language.

        ``also``: what others call them, with their codes.
        """
        value = self.values.get(name, "").strip()
        if not value:
            self.fault("missing", name)
            return ""
        code = {**(also or {}), **_spoken(choices)}.get(value.casefold(), "")
        if not code:
            told = [str(label) for label in choices.labels]
            self.fault("not_one_of", name, value=value, choices=told)
        return code

    def number(self, name: str, read: Callable[[str], T]) -> T | None:
        value = self.values.get(name, "").strip()
        if not value:
            return None
        try:
            return read(value)
        except (ValueError, InvalidOperation):
            self.fault("not_a_number", name, value=value)
            return None

    def day(self, name: str) -> date | None:
        value = self.values.get(name, "").strip().replace("/", "-")
        if not value:
            return None
        value = serials.told(value) or value
        try:
            return date(*map(int, value[:10].split("-")))
        except (ValueError, TypeError):
            self.fault("bad_date", name, value=value)
            return None

    def fault(self, code: str, name: str, **params: object) -> None:
        self.faults.append(Reason(code, {"field": name, **params}))


def _spoken(choices: Choices) -> dict[str, str]:
    from django.utils.translation import override

    found = {value: value for value in choices.values}
    for language in ("zh-hans", "en"):
        with override(language):
            found |= {str(label).casefold(): value for value, label in choices.choices}
    return found


def _degrees(limit: int) -> Callable[[str], Decimal]:
    def read(text: str) -> Decimal:
        value = round(Decimal(text), 6)
        if not -limit <= value <= limit:
            raise ValueError
        return value

    return read


def _amount(text: str) -> int:
    value = int(float(text))
    if not 0 <= value < 2**31:
        raise ValueError
    return value


class AreaDesk:
    """Areas by code; those of the file count as known once their row was read."""

    def __init__(self, run: ImportRun, by: Any, at: datetime) -> None:
        self.by, self.day = by, clock.day_of(at)
        self.known: dict[str, Area | None] = {}
        for area in Area.objects.filter(queries.in_force(self.day)).select_related("parent"):
            self.known[area.code] = area
        self.people: dict[str, Counts] = {}
        for row in Population.objects.select_related("area"):
            self.people.setdefault(row.area.code, {})[row.year, row.kind] = row.count

    def check(self, rows: Sequence[Values]) -> list[Judged]:
        return [self._judged(values) for values in rows]

    def _judged(self, values: Values) -> Judged:
        facts, parent, people, faults = self._facts(values)
        code = facts["code"]
        if faults:
            return Judged(Outcome.ERROR, faults, code)
        there = self.known.get(code)
        same = there is not None and not _differs(there, facts) and _code(there.parent) == parent
        if same and people.items() <= self.people.get(code, {}).items():
            return Judged(Outcome.KNOWN, [Reason("known")], code)
        self.known.setdefault(code, None)
        return Judged(Outcome.OK, (), code)

    def _facts(self, values: Values) -> tuple[dict[str, Any], str, Counts, list[Reason]]:
        row = _Row(values)
        code = row.text("code", Area, required=True)
        if values.get("level", "").strip():
            level = row.choice("level", Level, CALLED)
        else:
            level = rules.level_of(code)
            if code and not level:
                row.fault("no_level", "level", value=code)
        if code and level and not rules.code_fits(code, level):
            row.fault("wrong_code", "code", value=code, level=str(Level(level).label))
        parent = values.get("parent", "").strip() or rules.parent_code(code, level)
        if parent and parent not in self.known:
            row.fault("no_parent", "parent", value=parent)
        there = self.known.get(code)
        people = _people(row)
        # A figure shows that the area was there in its year, even where its first day is not known.
        since = date(min(people)[0], 1, 1) if people else self._since(parent)
        facts: dict[str, Any] = {
            "code": code,
            "level": level,
            "name_zh": row.text("name_zh", Area, required=True),
            "valid_from": row.day("valid_from") or (there.valid_from if there else since),
            "valid_to": row.day("valid_to"),
            "lon": row.number("lon", _degrees(180)),
            "lat": row.number("lat", _degrees(90)),
            "area_km2": row.number("area_km2", _amount),
        }
        for name in ("short_zh", "name_en", "short_en", "name_bo"):
            facts[name] = row.text(name, Area)
        if facts["valid_to"] and facts["valid_to"] < facts["valid_from"]:
            row.fault("ends_too_early", "valid_to")
        if source := values.get("source", "").strip():
            facts["source_zh"] = facts["source_en"] = source[:900]
        return facts, parent, people, row.faults

    def _since(self, parent: str) -> date:
        """The first day of an area of which nobody says it, nor any figure of its people: that of
        what it lies in, so that an older case finds its place however often the file comes."""
        above = self.known.get(parent)
        return self.day if above is None else above.valid_from

    def enter(self, rows: Sequence[Values], at: datetime) -> list[Judged]:
        return [_entered(partial(self._enter, values, at)) for values in rows]

    def _enter(self, values: Values, at: datetime) -> None:
        facts, parent_code, people, _faults = self._facts(values)
        parent = queries.area(parent_code, self.day) if parent_code else None
        if parent_code and parent is None:
            raise NoParent(_("The area that this one lies in was not entered."))
        there = self.known.get(facts["code"])
        kept = asdict_of(there) if there else {}
        given = {name: value for name, value in facts.items() if value not in (None, "")}
        parent_id = parent.pk if parent else kept.get("parent_id")
        area = AreaFacts(**{**kept, **given, "parent_id": parent_id})
        written = actions.put_area(facts=area, by=self.by, at=at)
        self.known[area.code] = written
        said = {name: facts.get(name, "") for name in ("source_zh", "source_en")}
        for (year, kind), count in people.items():
            if self.people.get(area.code, {}).get((year, kind)) == count:
                continue
            actions.put_population(
                area=written, year=year, count=count, kind=kind, **said, by=self.by, at=at
            )


def _people(row: _Row) -> Counts:
    """The figures of a row; one in a year of a census is the census's own."""
    found: Counts = {}
    for year in CENSUSES:
        if (count := row.number(f"census_{year}", _amount)) is not None:
            found[year, CountKind.CENSUS.value] = count
    count, asked = row.number("people", _amount), row.number("people_year", int)
    if count is not None and asked is None:
        row.fault("missing", "people_year")
    elif count is not None and asked is not None and 1900 <= asked <= 2100:
        kind = CountKind.CENSUS if asked in CENSUSES else CountKind.ESTIMATE
        found[asked, kind.value] = count
    elif count is not None:
        row.fault("not_a_number", "people_year", value=row.values["people_year"])
    return found


class NoParent(Refused):
    """The area above was refused or is not there."""

    status = 422


def asdict_of(area: Area) -> dict[str, Any]:
    """What is known of an area, in the form of its facts."""
    return {name: getattr(area, name) for name in AreaFacts.__dataclass_fields__}


def _differs(there: models.Model, facts: Mapping[str, Any]) -> bool:
    return any(
        value not in (None, "") and getattr(there, name) != value for name, value in facts.items()
    )


def _code(area: Area | None) -> str:
    return area.code if area else ""


class FacilityDesk:
    """Facilities of areas that are named by code or by name."""

    def __init__(self, run: ImportRun, by: Any, at: datetime) -> None:
        self.by = by
        self.matcher = queries.matcher(clock.day_of(at))
        self.by_code = {area.code: area for area in self.matcher.areas.values()}
        self.known = {(f.area_id, f.name_zh): f for f in Facility.objects.all()}

    def check(self, rows: Sequence[Values]) -> list[Judged]:
        return [self._judged(values) for values in rows]

    def _judged(self, values: Values) -> Judged:
        facts, faults = self._facts(values)
        if facts is None:
            return Judged(Outcome.ERROR, faults)
        print_ = f"{facts.area_id}:{facts.name_zh}"
        there = self.known.get((facts.area_id, facts.name_zh))
        if there is not None and _differs(there, asdict(facts)):
            return Judged(Outcome.KNOWN, [Reason("known_differently")], print_)
        if there is not None:
            return Judged(Outcome.KNOWN, [Reason("known")], print_)
        return Judged(Outcome.OK, (), print_)

    def _facts(self, values: Values) -> tuple[FacilityFacts | None, list[Reason]]:
        row = _Row(values)
        place = values.get("area", "").strip()
        area = self.by_code.get(place) or (self.matcher.match(place).area if place else None)
        if not place:
            row.fault("missing", "area")
        elif area is None:
            row.fault("no_area", "area", value=place)
        org_code = row.text("org_code", Facility)
        if org_code and not rules.org_code_is_right(org_code):
            row.fault("wrong_org_code", "org_code", value=org_code)
        said = {
            "name_zh": row.text("name_zh", Facility, required=True),
            "name_en": row.text("name_en", Facility),
            "kind": row.choice("kind", FacilityKind),
            "capacity_beds": row.number("capacity_beds", _amount),
            "org_code": org_code,
            "lon": row.number("lon", _degrees(180)),
            "lat": row.number("lat", _degrees(90)),
        }
        if row.faults or area is None:
            return None, row.faults
        return FacilityFacts(area_id=area.pk, **said), []  # type: ignore[arg-type]  # read above

    def enter(self, rows: Sequence[Values], at: datetime) -> list[Judged]:
        return [_entered(partial(self._enter, values, at)) for values in rows]

    def _enter(self, values: Values, at: datetime) -> None:
        facts, _faults = self._facts(values)
        if facts is None:
            raise NoParent(_("The area that this one lies in was not entered."))
        actions.add_facility(facts=facts, by=self.by, at=at)


def _entered(action: Callable[[], None]) -> Judged:
    """What became of a row; the action is whole or nothing by itself."""
    try:
        action()
    except Refused as problem:
        return Judged(Outcome.ERROR, [words.refusal(problem)])
    return Judged(Outcome.IMPORTED)


_REASONS = {
    "no_level": _("Level: the code “%(value)s” does not say its level. Add a column for it."),
    "wrong_code": _("Code: “%(value)s” is no code of this level (%(level)s)."),
    "no_parent": _(
        "Lies in: no area has the code “%(value)s”, neither here nor above in the file."
    ),
    "ends_too_early": _("The last day lies before the first."),
    "no_area": _("Area: “%(value)s” is neither a code nor a name of an area known here."),
    "wrong_org_code": _("Organisation code: the last character of “%(value)s” does not check."),
    "known_differently": _(
        "This facility is in the directory already with other details. Edit it there."
    ),
}


class NoMore(pages.Form):
    """Nothing is asked beside the file."""

    def __init__(self, *args: Any, user: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


def _chosen(cleaned: Mapping[str, Any]) -> tuple[Place, dict[str, object]]:
    return Place(), {}


_NAMES = [
    Field("name_en", _("English name"), ["英文名称", "English name", "name_en", "英文名"]),
    Field("lon", _("Longitude"), ["经度", "Longitude", "lon", "lng"]),
    Field("lat", _("Latitude"), ["纬度", "Latitude", "lat"]),
]
_PEOPLE = [
    *(
        Field(
            f"census_{year}",
            words_of_census,
            [f"{year}年普查人口", f"People {year}", f"resident_pop_{year}", f"pop_{year}"],
            in_template=year == CENSUSES[-1],
        )
        for year, words_of_census in zip(
            CENSUSES,
            [
                _("People, census of 2000"),
                _("People, census of 2010"),
                _("People, census of 2020"),
            ],
            strict=True,
        )
    ),
    Field("people", _("People"), ["人口", "People", "常住人口", "population"], in_template=False),
    Field(
        "people_year",
        _("Year of the figure"),
        ["人口年份", "Year of the figure", "people_year", "population_year"],
        in_template=False,
    ),
]
_ZH = ["中文名称", "Chinese name", "name_zh", "名称", "Name", "中文名", "地区名称"]

AREAS: Kind = declare(
    Kind(
        name="places.areas",
        title=_("Import areas"),
        permission=IMPORT,
        urls="places:",
        args=("areas",),
        fields=[
            Field("code", _("Code"), ["代码", "Code", "区划代码", "行政区划代码"], required=True),
            Field("level", _("Level"), ["级别", "Level", "层级"]),
            Field("parent", _("Lies in (code)"), ["上级代码", "Lies in", "parent", "上级"]),
            Field("name_zh", _("Chinese name"), _ZH, required=True),
            Field("short_zh", _("Chinese short name"), ["简称", "Chinese short name", "short_zh"]),
            _NAMES[0],
            Field("short_en", _("English short name"), ["英文简称", "Short name", "short_en"]),
            Field("name_bo", _("Tibetan name"), ["藏文名称", "Tibetan name", "name_bo"]),
            Field(
                "valid_from",
                _("Valid from"),
                ["启用日期", "Valid from", "valid_from"],
                is_moment=True,
            ),
            Field("valid_to", _("Valid to"), ["停用日期", "Valid to", "valid_to"], is_moment=True),
            *_NAMES[1:],
            Field("area_km2", _("Area in km²"), ["面积", "Area in km2", "area_km2"]),
            *_PEOPLE,
            Field("source", _("Source"), ["来源", "Source", "资料来源"]),
        ],
        open=AreaDesk,
        form=NoMore,
        chosen=_chosen,
        in_words=lambda items: words.in_words(items, AREAS.label, _REASONS),
        file_name="areas",
        previewed=("code", "level", "name_zh", "parent"),
        promise=_("Areas that are known by code are brought up to date."),
        results=lambda run: reverse("places:index"),
    )
)

FACILITIES: Kind = declare(
    Kind(
        name="places.facilities",
        title=_("Import facilities"),
        permission=IMPORT,
        urls="places:",
        args=("facilities",),
        fields=[
            Field("name_zh", _("Chinese name"), [*_ZH, "机构名称"], required=True),
            _NAMES[0],
            Field("kind", _("Kind"), ["类型", "Kind", "机构类型", "type"], required=True),
            Field("area", _("Area (code or name)"), ["所在地区", "Area", "地区"], required=True),
            Field("capacity_beds", _("Beds"), ["床位数", "Beds", "capacity_beds"]),
            Field(
                "org_code", _("Organisation code"), ["机构代码", "Organisation code", "org_code"]
            ),
            *_NAMES[1:],
        ],
        open=FacilityDesk,
        form=NoMore,
        chosen=_chosen,
        in_words=lambda items: words.in_words(items, FACILITIES.label, _REASONS),
        file_name="facilities",
        previewed=("name_zh", "kind", "area"),
        promise=_("Facilities that are in the directory already are left as they are."),
        results=lambda run: reverse("places:facilities"),
    )
)

KINDS = {"areas": AREAS, "facilities": FACILITIES}
