"""A process that minds the closing of its terminal, although this one may have been started by `nohup`."""

import signal


def restore_sighup() -> None:
    """For `preexec_fn`: what is ignored here would be ignored there, too."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
