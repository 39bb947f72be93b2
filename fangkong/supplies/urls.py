from django.urls import include, path

app_name = "supplies"
urlpatterns = [
    path("allocation/", include("fangkong.supplies.allocation.urls")),
    path("daily/", include("fangkong.supplies.daily.urls")),
    path("demand/", include("fangkong.supplies.demand.urls")),
    path("sources/", include("fangkong.supplies.sources.urls")),
    path("stock/", include("fangkong.supplies.stock.urls")),
]
