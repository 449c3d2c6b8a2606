"""Readings of a trace: functions that take its arrays and give back what a page draws. They change
nothing.
"""
