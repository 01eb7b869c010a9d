"""The law of the house: who may learn what about whom, why, and on which basis.

Pure: imports pydantic, the standard library's values and itself. No I/O, no clock.
"""
