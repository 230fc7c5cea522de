"""What is promised, measured as ratios to the raw commands in the same run. Never part of the tests."""
