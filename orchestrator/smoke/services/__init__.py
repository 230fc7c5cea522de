"""What a backend needs beside it (a database, a cache): real ones, fresh for each run, gone afterwards."""
