"""Twinbuild: builds a backend twice, proves that both are the same program, and only then tags the image."""
