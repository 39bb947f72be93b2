from django.urls import include, path

app_name = "supplies"
urlpatterns = [
    path("stock/", include("fangkong.supplies.stock.urls")),
]
