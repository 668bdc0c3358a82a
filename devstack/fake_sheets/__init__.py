"""A local stand-in for the Google Sheets API: real HTTP, real tokens, and injected faults."""
