"""`migration import`: start the import of what a dry run checked, by the HTTP side of the service."""

import shlex

from producer_cli.http_client import ServiceClient
from producer_cli.render.base import Renderer


def import_dry_run(service: ServiceClient, request_id: str, renderer: Renderer, *, follows: bool) -> str:
    """Start the import of a dry run and show its request id, which is returned.

    Unless the command `follows` it, also show how to. Raises InvalidInputError, UnavailableError.
    """
    import_id = service.import_dry_run(service.verify_request_id(request_id))
    renderer.on_start(import_id)
    if not follows:
        renderer.info(f"Accepted. Follow it: migration watch {shlex.quote(import_id)}")
    return import_id
