"""The machines' door, ``/api/v1/``: collects the routers of the parts."""

from __future__ import annotations

from typing import Any

import fangkong
from fangkong.config import rooms
from fangkong.core.api import Door
from fangkong.core.tokens.access import staff, staff_only

api = Door(
    title="Fangkong",
    version=fangkong.__version__,
    auth=staff,
    urls_namespace="api",
    docs_decorator=staff_only,  # the schema is for staff and their machines
)
for place, module in rooms.modules("api"):
    if place != "core":
        router: Any = module.router
        api.add_router(f"/{place}/", router)
