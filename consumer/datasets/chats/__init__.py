"""Chats of universities, with their universities, branches, faculties, groups and administrators."""
