"""FastAPI routers, one module for each group of endpoints."""
