from django.urls import path

from . import views

app_name = "arrivals"
urlpatterns = [
    path("", views.index, name="index"),
    path("register/", views.find, name="find"),
    path("register/ask/", views.ask, name="ask"),
    path("figures/", views.figures, name="figures"),
    path("figures/chart/", views.figures_chart, name="figures_chart"),
    path("figures/csv/", views.figures_csv, name="figures_csv"),
    path("checkpoints/", views.checkpoints, name="checkpoints"),
    path("checkpoints/new/", views.new_checkpoint, name="new_checkpoint"),
    path("checkpoints/<uuid:public_id>/", views.checkpoint, name="checkpoint"),
    path("checkpoints/<uuid:public_id>/change/", views.change_checkpoint, name="change_checkpoint"),
    path("checkpoints/<uuid:public_id>/close/", views.close, name="close"),
    path("announced/", views.risk_areas, name="risk_areas"),
    path("announced/new/", views.announce, name="announce"),
    path("announced/<uuid:public_id>/", views.risk_area, name="risk_area"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/reveal/", views.reveal, name="reveal"),
    path("<uuid:public_id>/receive/", views.receive, name="receive"),
    path("<uuid:public_id>/miss/", views.miss, name="miss"),
    path("<uuid:public_id>/judge/", views.judge_again, name="judge_again"),
    path("<uuid:public_id>/withdraw/", views.withdraw, name="withdraw"),
]
