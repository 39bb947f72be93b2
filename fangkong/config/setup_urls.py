"""The addresses while nobody has an account: the set-up, and what the house has anyway."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from fangkong.config import urls
from fangkong.web.setup import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.closed, name="setup_closed"),
    path("setup/", include("fangkong.web.setup.urls")),
    *urls.urlpatterns,
]

handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500
