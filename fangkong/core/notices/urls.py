from django.urls import path

from . import views

app_name = "notices"
urlpatterns = [
    path("", views.index, name="index"),
    path("read/", views.read_all, name="read_all"),
    path("<uuid:public_id>/open/", views.open_, name="open"),
    path("<uuid:public_id>/read/", views.read, name="read"),
    path("choices/", views.choices, name="choices"),
    path("choices/<uuid:public_id>/", views.follow, name="follow"),
    path("choices/<uuid:public_id>/stop/", views.unfollow, name="unfollow"),
    path("channels/", views.channels, name="channels"),
    path("channels/new/", views.new_channel, name="new_channel"),
    path("channels/<uuid:public_id>/", views.channel, name="channel"),
    path("channels/<uuid:public_id>/test/", views.test_channel, name="test_channel"),
    path("channels/<uuid:public_id>/stop/", views.stop_channel, name="stop_channel"),
    path("messages/<uuid:public_id>/repeat/", views.repeat, name="repeat"),
]
