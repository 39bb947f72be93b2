"""Allocation (调配): a scarce item shared out, every line with its reason.

The heart is pure: a problem goes in, a plan comes out, without database, web or clock.
"""
