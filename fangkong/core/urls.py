from django.urls import include, path

app_name = "core"
urlpatterns = [
    path("files/", include("fangkong.core.files.urls")),
    path("notices/", include("fangkong.core.notices.urls")),
    path("pages/", include(("fangkong.core.pages.urls", "pages"))),
    path("violations/", include("fangkong.core.violations.urls")),
    path("webhooks/", include("fangkong.core.webhooks.urls")),
]
