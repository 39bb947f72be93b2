from django.urls import path

from fangkong.core.imports.addresses import addresses

from . import views
from .types import TRACE

app_name = "screening"
urlpatterns = [
    path("", views.index, name="index"),
    path("follow-up/", views.follow_up, name="follow_up"),
    path("follow-up/map/", views.follow_up_map, name="follow_up_map"),
    path("today/", views.today, name="today"),
    path("today/many/", views.many, name="many"),
    *addresses(views.contacts_of_case, TRACE, home=__name__),
    path("cases/<uuid:public_id>/contacts/", views.contacts, name="contacts"),
    path("cases/<uuid:public_id>/contacts/find/", views.find, name="find"),
    path("cases/<uuid:public_id>/contacts/anew/", views.judge_anew, name="judge_anew"),
    path("cases/<uuid:public_id>/chain/", views.chain, name="chain"),
    path("cases/<uuid:public_id>/chain/csv/", views.chain_csv, name="chain_csv"),
    path("cases/<uuid:public_id>/chain/svg/", views.chain_svg, name="chain_svg"),
    path("contacts/<uuid:public_id>/", views.contact, name="contact"),
    path("contacts/<uuid:public_id>/judge/", views.judge, name="judge"),
    path("contacts/<uuid:public_id>/withdraw/", views.withdraw, name="withdraw"),
    path("contacts/<uuid:public_id>/source/", views.name_source, name="name_source"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/visit/", views.visit, name="visit"),
    path("<uuid:public_id>/visits/<uuid:visit_id>/", views.correct_visit, name="correct_visit"),
    path("<uuid:public_id>/release/", views.release, name="release"),
    path("<uuid:public_id>/end/", views.end, name="end"),
    path("<uuid:public_id>/hand-over/", views.hand_over, name="hand_over"),
    path("<uuid:public_id>/assign/", views.assign, name="assign"),
]
