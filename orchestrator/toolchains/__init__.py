"""Toolchains, one package each."""
