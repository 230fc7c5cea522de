"""Facts about programs, read with LIEF; nothing here judges."""
