from django.urls import path

from . import views

app_name = "daily"
urlpatterns = [
    path("", views.index, name="index"),
    path("day/", views.day, name="day"),
    path("counties/<uuid:public_id>/", views.county, name="county"),
    path("counties/<uuid:public_id>/file/", views.file, name="file"),
    path("reports/<uuid:public_id>/", views.report, name="report"),
    path("reports/<uuid:public_id>/correct/", views.correct, name="correct"),
]
