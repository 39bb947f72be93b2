from django.urls import path

from fangkong.core.imports.addresses import addresses
from fangkong.supplies.stock.types import KEEP

from . import views
from .imports import SUPPLIES

app_name = "sources"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("compare/", views.compared, name="compared"),
    path("compare/<uuid:public_id>/", views.compare, name="compare"),
    path("compare/<uuid:public_id>/chart/", views.compare_chart, name="compare_chart"),
    *addresses(SUPPLIES, KEEP, home=__name__),
    path("reports/new/", views.publish, name="publish"),
    path("reports/<uuid:public_id>/correct/", views.correct_report, name="correct_report"),
    # Without signing in: what the public is told.
    path("open/", views.reports, name="reports"),
    path("open/<uuid:public_id>/", views.report, name="report"),
    path("open/<uuid:public_id>/csv/", views.report_csv, name="report_csv"),
    path("open/<uuid:public_id>/xlsx/", views.report_xlsx, name="report_xlsx"),
    path("trace/", views.trace, name="trace"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/accept/", views.accept, name="accept"),
    path("<uuid:public_id>/decline/", views.decline, name="decline"),
    path("<uuid:public_id>/put-off/", views.put_off, name="put_off"),
    path("<uuid:public_id>/close/", views.close, name="close"),
    path("<uuid:public_id>/reopen/", views.reopen, name="reopen"),
    path("<uuid:public_id>/money-back/", views.money_back, name="money_back"),
    path("<uuid:public_id>/receive/", views.receive, name="receive"),
    path("<uuid:public_id>/certificate/", views.certificate, name="certificate"),
]
