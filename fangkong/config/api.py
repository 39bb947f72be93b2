"""The machines' door, ``/api/v1/``: collects the routers of the parts."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from ninja import NinjaAPI
from ninja.security import django_auth

import fangkong
from fangkong.config import rooms
from fangkong.core.api import answer_problems

api = NinjaAPI(
    title="Fangkong",
    version=fangkong.__version__,
    auth=django_auth,
    urls_namespace="api",
    docs_url=None,  # the viewer needs scripts from outside; the schema is served to staff
    docs_decorator=login_required,
)
answer_problems(api)
for place, module in rooms.modules("api"):
    if place != "core":
        api.add_router(f"/{place}/", module.router)
