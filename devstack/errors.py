"""Errors of the stack and the service it runs; each message is a sentence for the person who started it."""


class StackError(Exception):
    """A server or the service could not be started; the message names the reason and a remedy."""


class StackUnavailableError(StackError):
    """This machine cannot run that kind of stack; the message names what is missing."""


class PortTakenError(StackError):
    """Another process took the port between its choice and its use."""
