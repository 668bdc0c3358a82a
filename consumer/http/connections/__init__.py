"""TCP connections of the HTTP server: their number, request heads, incomplete responses."""
