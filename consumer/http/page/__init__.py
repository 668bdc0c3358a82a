"""The page for people: server-rendered HTML in Russian and English."""
