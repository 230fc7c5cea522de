"""What a person or a machine reads of a run; pure functions of the record."""
