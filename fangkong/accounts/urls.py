from django.urls import include, path

from . import views

app_name = "accounts"
urlpatterns = [
    path("staff/", views.index, name="index"),
    path("staff/new/", views.new, name="new"),
    path("staff/<uuid:public_id>/", views.detail, name="detail"),
    path("staff/<uuid:public_id>/appoint/", views.appoint, name="appoint"),
    path("staff/<uuid:public_id>/active/", views.activate, name="activate"),
    path("staff/<uuid:public_id>/password/", views.password, name="password"),
    path("staff/<uuid:public_id>/end/<uuid:appointment_id>/", views.end, name="end"),
    path("sign-in/", include("fangkong.accounts.sign_in.urls")),
    path("emergency/", include("fangkong.accounts.emergency.urls")),
    path("roles/", views.roles, name="roles"),
]
