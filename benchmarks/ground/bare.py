"""What Django takes at least: these rows, nothing else. ``python -m benchmarks.ground.bare PORT``.

No permission, no page kit, no translation, no note of who looked. BARE_DATABASE is its address.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import Any

import dj_database_url
import orjson

PLAIN = """<!doctype html><title>Cases</title><table>{% for c in cases %}<tr><td>{{ c.number }}</td>
<td>{{ c.condition }}</td><td>{{ c.case_class }}</td><td>{{ c.person.name }}</td>
<td>{{ c.county.short_zh }}</td><td>{{ c.onset_date|date:"Y-m-d" }}</td>
<td>{{ c.diagnosed_at|date:"Y-m-d H:i" }}</td><td>{{ c.reported_at|date:"Y-m-d H:i" }}</td>
<td>{{ c.report_due_at|date:"Y-m-d H:i" }}</td></tr>{% endfor %}</table>"""

SHOWN = (
    *("public_id", "number", "condition", "case_class", "severity", "person__name"),
    *("county__code", "area__code", "facility__public_id", "onset_date", "diagnosed_at"),
    *("died_on", "reported_at", "report_due_at", "review_state", "review_due_at", "definition"),
    "synthetic",
)

urlpatterns: list[Any] = []


def prepare() -> Any:
    """Django with one table and two addresses; gives the application."""
    import django
    from django.conf import settings

    from fangkong.config import sqlite

    sqlite.use_newest()
    database: dict[str, Any] = dict(dj_database_url.parse(os.environ["BARE_DATABASE"]))
    database["CONN_MAX_AGE"] = None
    if "sqlite" in database["ENGINE"]:
        # The same settings of the connection as the product's, or the two would not be comparable.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA foreign_keys=ON; PRAGMA mmap_size=134217728; PRAGMA cache_size=-20000;",
        }
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY="of-no-use-here",
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        TIME_ZONE="Asia/Shanghai",
        DATABASES={"default": database},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        LOGGING_CONFIG=None,
    )
    django.setup()
    urlpatterns.extend(_paths())
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def _paths() -> list[Any]:
    from django.db import models
    from django.http import HttpRequest, HttpResponse
    from django.template import engines
    from django.urls import path

    class Place(models.Model):  # noqa: DJ008  # never shown by itself
        code = models.CharField()
        short_zh = models.CharField()

        class Meta:
            app_label, managed, db_table = "bare", False, "places_area"

    class House(models.Model):  # noqa: DJ008  # never shown by itself
        public_id = models.UUIDField()

        class Meta:
            app_label, managed, db_table = "bare", False, "places_facility"

    class Patient(models.Model):  # noqa: DJ008  # never shown by itself
        name = models.CharField()

        class Meta:
            app_label, managed, db_table = "bare", False, "people_person"

    class Row(models.Model):  # noqa: DJ008  # never shown by itself
        public_id = models.UUIDField()
        number = models.CharField()
        condition = models.CharField()
        case_class = models.CharField()
        severity = models.CharField()
        definition = models.CharField()
        onset_date = models.DateField()
        died_on = models.DateField()
        diagnosed_at = models.DateTimeField()
        reported_at = models.DateTimeField()
        report_due_at = models.DateTimeField()
        review_state = models.CharField()
        review_due_at = models.DateTimeField()
        synthetic = models.BooleanField()
        person = models.ForeignKey(Patient, models.PROTECT)
        area = models.ForeignKey(Place, models.PROTECT, related_name="+")
        county = models.ForeignKey(Place, models.PROTECT, related_name="+")
        facility = models.ForeignKey(House, models.PROTECT)

        class Meta:
            app_label, managed, db_table = "bare", False, "surveillance_case"

    template = engines["django"].from_string(PLAIN)
    counties = {place.code: place.pk for place in Place._default_manager.order_by("pk")}

    def rows(asked: Any) -> Any:
        found = Row._default_manager.order_by("-reported_at", "-pk")
        if "county" in asked:
            found = found.filter(county_id=counties[asked["county"]])
        if "condition" in asked:
            found = found.filter(condition=asked["condition"])
        if "clock" in asked:
            found = found.filter(reported_at__gt=models.F("report_due_at"))
        if "until" in asked:
            found = found.filter(reported_at__lt=datetime.fromisoformat(asked["until"]))
        if "at" in asked:
            moment = datetime.fromisoformat(asked["at"])
            same = models.Q(reported_at__lt=moment) | models.Q(pk__lt=int(asked["pk"]))
            found = found.filter(same, reported_at__lte=moment)
        return found

    def page(request: HttpRequest) -> HttpResponse:
        found = rows(request.GET).select_related("person", "county")[:50]
        return HttpResponse(template.render({"cases": found}, request))

    def values(request: HttpRequest) -> HttpResponse:
        found = list(rows(request.GET).values(*SHOWN)[:50])
        return HttpResponse(orjson.dumps({"rows": found}), content_type="application/json")

    return [path("cases/", page), path("api/cases/", values)]


if __name__ != "__main__" and "BARE_DATABASE" in os.environ:
    application = prepare()


def main() -> None:
    from granian.constants import Interfaces
    from granian.server import Server

    Server(
        "benchmarks.ground.bare:application",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=4,
        websockets=False,
        log_access=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()
