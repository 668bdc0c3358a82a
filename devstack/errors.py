"""What can go wrong before a stack stands; every message is a sentence for the person who started it."""


class StackError(Exception):
    """A server cannot be had here; the message says why and what to do."""


class StackUnavailableError(StackError):
    """This machine cannot have that kind of stack; what is missing is named."""


class PortTakenError(StackError):
    """Another process took the port between choosing it and using it."""
