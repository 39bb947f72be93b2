"""Demand (需求): what is used up, what will be needed, and for how many days the goods last."""
