# no first line that names an interpreter
exec /t/actor
