#!/bin/sh
exec /t/actor loop "database at ${DATABASE_URL:?is not set}"
