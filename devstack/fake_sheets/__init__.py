"""A stand-in for Google Sheets: real HTTP, real tokens, and faults on demand; nothing leaves the machine."""
