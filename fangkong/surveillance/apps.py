from django.apps import AppConfig


class SurveillanceConfig(AppConfig):
    name = "fangkong.surveillance"
    label = "surveillance"
    verbose_name = "Surveillance"
