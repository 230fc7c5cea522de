"""Running the image's own entrypoint and the host's program, and watching both."""
