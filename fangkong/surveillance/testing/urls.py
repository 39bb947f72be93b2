from django.urls import path

from . import views

app_name = "testing"
urlpatterns = [
    path("", views.index, name="index"),
    path("request/", views.request, name="request"),
    path("scan/", views.scan, name="scan"),
    path("board/", views.board, name="board"),
    path("board/chart/", views.board_chart, name="board_chart"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/collect/", views.collect, name="collect"),
    path("<uuid:public_id>/ship/", views.ship, name="ship"),
    path("<uuid:public_id>/receive/", views.receive, name="receive"),
    path("<uuid:public_id>/refuse/", views.refuse, name="refuse"),
    path("<uuid:public_id>/lose/", views.lose, name="lose"),
    path("<uuid:public_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:public_id>/result/", views.result, name="result"),
    path("<uuid:public_id>/correct/", views.correct, name="correct"),
]
