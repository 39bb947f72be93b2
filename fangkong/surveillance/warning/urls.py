from django.urls import path

from . import views

app_name = "warning"
urlpatterns = [
    path("", views.index, name="index"),
    path("runs/", views.runs, name="runs"),
    path("runs/new/", views.new_run, name="new_run"),
    path("runs/<uuid:public_id>/", views.run, name="run"),
    path("runs/<uuid:public_id>/progress/", views._progress, name="progress"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/curve/", views.curve, name="curve"),
    path("<uuid:public_id>/verify/", views.verify, name="verify"),
    path("<uuid:public_id>/answer/", views.answer, name="answer"),
]
