from django.urls import path

from . import import_views, views

app_name = "exchange"
urlpatterns = [
    path("", views.index, name="index"),
    path("send/", views.send, name="send"),
    path("import/", import_views.index, name="imports"),
    path("import/template.<str:kind>", import_views.template, name="import_template"),
    path("import/<uuid:public_id>/", import_views.detail, name="import_detail"),
    path("import/<uuid:public_id>/columns/", import_views.match, name="import_columns"),
    path("import/<uuid:public_id>/progress/", import_views.progress, name="import_progress"),
    path("import/<uuid:public_id>/confirm/", import_views.confirm, name="import_confirm"),
    path("import/<uuid:public_id>/cancel/", import_views.cancel, name="import_cancel"),
    path("import/<uuid:public_id>/errors.csv", import_views.errors, name="import_errors"),
    path("messages/<uuid:public_id>/", views.message, name="message"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/match/", views.match, name="match"),
    path("<uuid:public_id>/aside/", views.set_aside, name="set_aside"),
]
