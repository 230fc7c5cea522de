"""The gate: evidence in, verdict out."""
