"""The texts of the page: `catalog` looks them up in `en.toml` and `ru.toml`."""
