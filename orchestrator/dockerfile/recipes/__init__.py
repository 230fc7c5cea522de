"""Recipes of task runners, read as the shell text that they are: make and just, as far as that is certain."""
