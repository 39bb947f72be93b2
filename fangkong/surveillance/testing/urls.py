from django.urls import path

from . import label_views, pool_views, views

app_name = "testing"
urlpatterns = [
    path("", views.index, name="index"),
    path("request/", views.request, name="request"),
    path("scan/", views.scan, name="scan"),
    path("board/", views.board, name="board"),
    path("board/chart/", views.board_chart, name="board_chart"),
    path("labels/", label_views.print_labels, name="print_labels"),
    path("<uuid:public_id>/label/", label_views.label, name="label"),
    path("pools/<uuid:public_id>/label/", label_views.pool_label, name="pool_label"),
    path("pools/", pool_views.pools_index, name="pools"),
    path("pools/open/", pool_views.open_pool, name="open_pool"),
    path("pools/<uuid:public_id>/", pool_views.pool, name="pool"),
    path("pools/<uuid:public_id>/fill/", pool_views.fill, name="fill"),
    path("pools/<uuid:public_id>/take-out/", pool_views.take_out, name="take_out"),
    path("pools/<uuid:public_id>/close/", pool_views.close_pool, name="close_pool"),
    path("pools/<uuid:public_id>/next/", pool_views.next_pool, name="next_pool"),
    path("pools/<uuid:public_id>/ship/", pool_views.ship_pool, name="ship_pool"),
    path("pools/<uuid:public_id>/receive/", pool_views.receive_pool, name="receive_pool"),
    path("pools/<uuid:public_id>/refuse/", pool_views.refuse_pool, name="refuse_pool"),
    path("pools/<uuid:public_id>/lose/", pool_views.lose_pool, name="lose_pool"),
    path("pools/<uuid:public_id>/cancel/", pool_views.cancel_pool, name="cancel_pool"),
    path("pools/<uuid:public_id>/result/", pool_views.pool_result, name="pool_result"),
    path("pools/<uuid:public_id>/correct/", pool_views.correct_pool, name="correct_pool"),
    path("<uuid:public_id>/release/", pool_views.release, name="release"),
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
