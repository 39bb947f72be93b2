from django.urls import path

from . import views

app_name = "sign_in"
urlpatterns = [
    path("", views.index, name="index"),
    path("session/", views.session, name="session"),
    path("end-others/", views.end_others, name="end_others"),
    path("end/<uuid:public_id>/", views.end, name="end"),
    path("own/<uuid:public_id>/", views.own, name="own"),
    path("disown/<uuid:public_id>/", views.disown, name="disown"),
    path("of/<uuid:public_id>/", views.of, name="of"),
    path("of/<uuid:public_id>/end-all/", views.end_all, name="end_all"),
    path("of/<uuid:public_id>/unlock/", views.unlock, name="unlock"),
    path("of/<uuid:public_id>/reset/", views.reset, name="reset"),
    path("of/<uuid:public_id>/link/", views.link, name="link"),
    path("of/<uuid:public_id>/unlink/", views.unlink, name="unlink"),
]
