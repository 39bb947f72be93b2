"""Fangkong (防控): epidemic prevention and control for a prefecture."""

__version__ = "0.1.0"
