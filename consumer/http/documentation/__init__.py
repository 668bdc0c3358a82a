"""The documentation pages /docs, /redoc and /asyncapi, served from packaged assets."""
