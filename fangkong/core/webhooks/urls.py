from django.urls import path

from . import views

app_name = "webhooks"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("deliveries/<uuid:public_id>/", views.delivery, name="delivery"),
    path("deliveries/<uuid:public_id>/repeat/", views.repeat, name="repeat"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/try/", views.try_out, name="try_out"),
    path("<uuid:public_id>/pause/", views.pause, name="pause"),
    path("<uuid:public_id>/resume/", views.resume, name="resume"),
    path("<uuid:public_id>/repeat/", views.repeat_all, name="repeat_all"),
    path("<uuid:public_id>/renew-secret/", views.renew_secret, name="renew_secret"),
    path("<uuid:public_id>/stop/", views.stop, name="stop"),
]
