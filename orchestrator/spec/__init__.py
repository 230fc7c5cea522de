"""`buildspec.yaml`: composed from the slices that capabilities own, and explained where it is wrong."""
