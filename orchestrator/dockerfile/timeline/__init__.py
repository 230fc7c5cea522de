"""What happens to sources and artifacts in a Dockerfile's stages, one event after the other, without building."""
