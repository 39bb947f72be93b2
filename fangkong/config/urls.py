"""All addresses: each room under its own name; web at the root."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from fangkong.config import rooms
from fangkong.config.api import api
from fangkong.config.signing_in import signing_in

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("accounts/", include(signing_in)),
    path("language/", include("django.conf.urls.i18n")),
]
urlpatterns += [
    path(f"{room}/", include(module))
    for room in rooms.rooms()
    if room != "web" and (module := rooms.urls_of(room))
]
urlpatterns.append(path("", include("fangkong.web.urls")))

handler400 = "fangkong.web.errors.bad_request"
handler403 = "fangkong.web.errors.forbidden"
handler404 = "fangkong.web.errors.not_found"
handler500 = "fangkong.web.errors.server_error"
