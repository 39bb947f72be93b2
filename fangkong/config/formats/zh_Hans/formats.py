"""Dates as people in China write them, short enough for tables."""

DATE_FORMAT = "Y年n月j日"
SHORT_DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y年n月j日 H:i"
SHORT_DATETIME_FORMAT = "Y-m-d H:i"
TIME_FORMAT = "H:i"
# Figures in groups of three, as statistics print them (12,345): Django's own groups are of four.
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
