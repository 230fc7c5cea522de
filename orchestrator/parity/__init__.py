"""How far two programs are apart, and why."""
