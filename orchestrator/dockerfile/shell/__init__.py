"""Shell scripts read into commands, as far as their text makes certain what will run."""
