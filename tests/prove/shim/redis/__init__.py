"""Stands for the client library where it is not installed: valkey's has the same interface."""

import sys

import valkey

sys.modules[__name__] = valkey
