from django.urls import path

from . import views

app_name = "duplicates"
urlpatterns = [
    path("", views.index, name="index"),
    path("merges/", views.merges, name="merges"),
    path("merges/<uuid:public_id>/", views.merged, name="merged"),
    path("merges/<uuid:public_id>/undo/", views.undo, name="undo"),
    path("runs/", views.runs, name="runs"),
    path("runs/new/", views.new_run, name="new_run"),
    path("runs/<uuid:public_id>/", views.run, name="run"),
    path("runs/<uuid:public_id>/progress/", views._progress, name="progress"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/merge/", views.merge, name="merge"),
    path("<uuid:public_id>/apart/", views.keep_apart, name="keep_apart"),
    path("<uuid:public_id>/reconsider/", views.reconsider, name="reconsider"),
]
