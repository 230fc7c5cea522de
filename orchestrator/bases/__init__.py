"""Where base images come from: the engine, a registry by digest, or Debian packages."""
