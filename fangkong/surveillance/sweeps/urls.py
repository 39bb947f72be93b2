from django.urls import path

from . import views

app_name = "sweeps"
_DOOR = "<uuid:public_id>/doors/<uuid:door_id>/"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("findings/<uuid:public_id>/", views.finding, name="finding"),
    path("map/", views.running_map, name="running_map"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/map/", views.coverage_map, name="coverage_map"),
    path("<uuid:public_id>/csv/", views.coverage_csv, name="coverage_csv"),
    path("<uuid:public_id>/end/", views.end, name="end"),
    path("<uuid:public_id>/cells/<uuid:cell_id>/", views.doors, name="doors"),
    path(_DOOR, views.door, name="door"),
    path(f"{_DOOR}ill/", views.ill, name="ill"),
    path(f"{_DOOR}remove/", views.remove, name="remove"),
]
