from django.urls import path

from . import event_views, product_views, replay_views, views

app_name = "warning"
urlpatterns = [
    path("", views.index, name="index"),
    path("response/", event_views.response, name="response"),
    path("response/chart/", event_views.response_chart, name="response_chart"),
    path("investigations/", event_views.investigations, name="investigations"),
    path("investigations/<uuid:public_id>/", event_views.investigation, name="investigation"),
    path("investigations/<uuid:public_id>/set-out/", event_views.set_out, name="set_out"),
    path("investigations/<uuid:public_id>/findings/", event_views.findings, name="findings"),
    path("investigations/<uuid:public_id>/conclude/", event_views.conclude, name="conclude"),
    path("investigations/<uuid:public_id>/reopen/", event_views.reopen, name="reopen"),
    path("products/", product_views.products, name="products"),
    path("products/new/", product_views.new_product, name="new_product"),
    path("products/<uuid:public_id>/", product_views.product, name="product"),
    path("products/<uuid:public_id>/edit/", product_views.edit, name="edit_product"),
    path("products/<uuid:public_id>/approve/", product_views.approve, name="approve_product"),
    path("products/<uuid:public_id>/return/", product_views.send_back, name="return_product"),
    path("products/<uuid:public_id>/issue/", product_views.issue, name="issue_product"),
    path("products/<uuid:public_id>/update/", product_views.renew, name="update_product"),
    path("products/<uuid:public_id>/cancel/", product_views.cancel, name="cancel_product"),
    path("products/<uuid:public_id>/cap/", product_views.cap, name="cap"),
    path("replay/", replay_views.replay, name="replay"),
    path("runs/", views.runs, name="runs"),
    path("runs/new/", views.new_run, name="new_run"),
    path("runs/<uuid:public_id>/", views.run, name="run"),
    path("runs/<uuid:public_id>/progress/", views._progress, name="progress"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/curve/", views.curve, name="curve"),
    path("<uuid:public_id>/verify/", views.verify, name="verify"),
    path("<uuid:public_id>/answer/", views.answer, name="answer"),
    path("<uuid:public_id>/investigate/", event_views.investigate, name="investigate"),
]
