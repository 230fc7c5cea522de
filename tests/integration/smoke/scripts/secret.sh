#!/bin/sh
echo "connecting with $TOKEN"
exec /t/actor
