from django.urls import include, path

app_name = "surveillance"
urlpatterns = [
    path("arrivals/", include("fangkong.surveillance.arrivals.urls")),
    path("bulletins/", include("fangkong.surveillance.bulletins.urls")),
    path("monitoring/", include("fangkong.surveillance.monitoring.urls")),
    path("quality/", include("fangkong.surveillance.quality.urls")),
    path("screening/", include("fangkong.surveillance.screening.urls")),
    path("sweeps/", include("fangkong.surveillance.sweeps.urls")),
    path("exchange/", include("fangkong.surveillance.exchange.urls")),
    path("testing/", include("fangkong.surveillance.testing.urls")),
    path("warning/", include("fangkong.surveillance.warning.urls")),
]
