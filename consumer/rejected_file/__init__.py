"""The file of rejected rows that people correct and send back: its row keys and its layout. Pure."""
