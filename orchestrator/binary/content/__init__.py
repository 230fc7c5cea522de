"""Two programs byte by byte: which differences mean something, and which only say that things lie elsewhere."""
