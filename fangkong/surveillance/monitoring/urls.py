from django.urls import path

from . import import_views, views

app_name = "monitoring"
urlpatterns = [
    path("", views.index, name="index"),
    path("find/", views.find, name="find"),
    path("report/", views.report, name="report"),
    path("counts/", views.counts, name="counts"),
    path("counts/chart/", views.counts_chart, name="counts_chart"),
    path("counts/map/", views.counts_map, name="counts_map"),
    path("import/", import_views.index, name="imports"),
    path("import/template.<str:kind>", import_views.template, name="import_template"),
    path("import/<uuid:public_id>/", import_views.detail, name="import_detail"),
    path("import/<uuid:public_id>/columns/", import_views.match, name="import_columns"),
    path("import/<uuid:public_id>/progress/", import_views.progress, name="import_progress"),
    path("import/<uuid:public_id>/confirm/", import_views.confirm, name="import_confirm"),
    path("import/<uuid:public_id>/cancel/", import_views.cancel, name="import_cancel"),
    path("import/<uuid:public_id>/errors.csv", import_views.errors, name="import_errors"),
    path("overdue/<uuid:public_id>/", views.overdue, name="overdue"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/revise/", views.revise, name="revise"),
    path("<uuid:public_id>/accept/", views.accept, name="accept"),
    path("<uuid:public_id>/return/", views.send_back, name="return"),
]
