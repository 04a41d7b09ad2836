"""Engines: a generator on one runtime and one device."""
