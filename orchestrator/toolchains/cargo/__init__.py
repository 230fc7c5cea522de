"""Cargo: its identity, projects, crates and flags, and the witness of its calls inside an image build."""
