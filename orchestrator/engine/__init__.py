"""The doors to other processes and to the Docker engine. Only plain frozen data passes."""
