"""The command `migration`: asks for migrations, follows them, shows what was wrong with their rows."""
