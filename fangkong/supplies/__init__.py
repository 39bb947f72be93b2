"""Supplies (物资): what there is, what is needed, and who gets how much."""
