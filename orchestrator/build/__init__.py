"""The two builds, on the host and in the image, and what they leave."""
