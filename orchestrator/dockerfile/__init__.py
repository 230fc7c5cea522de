"""Dockerfiles: their model, their stages, and the in-flight rewrite that hardens them."""
