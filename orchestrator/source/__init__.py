"""Which files are the project, their digest, and the two forms in which builds see them."""
