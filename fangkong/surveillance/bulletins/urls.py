from django.urls import path

from . import views

app_name = "bulletins"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("daily/", views.daily, name="daily"),
    path("daily/map/", views.daily_map, name="daily_map"),
    path("daily/nil/", views.nil, name="nil"),
    path("daily/order/", views.order, name="order"),
    path("daily/orders/<uuid:public_id>/end/", views.end, name="end"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/chart/", views.chart, name="chart"),
    path("<uuid:public_id>/change/", views.change, name="change"),
    path("<uuid:public_id>/recount/", views.recount, name="recount"),
    path("<uuid:public_id>/issue/", views.issue, name="issue"),
    path("<uuid:public_id>/drop/", views.drop, name="drop"),
    path("<uuid:public_id>/correct/", views.correct, name="correct"),
]
