"""Fields of a start request that were added after version 0.1.

While such a field is at its default, a request is the one that version 0.1 would have recorded: it has the
same digest, and any replica may run its job. A field in use is named in the needs of the job (`jobs.needs`).
"""

from typing import Any

from pydantic import BaseModel

NEW_FIELDS: frozenset[str] = frozenset({"all_or_nothing", "columns", "corrects", "dry_run", "max_rejected"})
"""Their names, in whatever part of the request they are. This version runs jobs that need any of them."""


def used_new_fields(part: BaseModel) -> frozenset[str]:
    """Names of the new fields of one part of a request that are not at their default."""
    return frozenset(
        name
        for name, field in type(part).model_fields.items()
        if name in NEW_FIELDS and getattr(part, name) != field.get_default(call_default_factory=True)
    )


def unused_new_fields(part: BaseModel) -> frozenset[str]:
    """Names of the new fields of one part of a request that are at their default."""
    return NEW_FIELDS & type(part).model_fields.keys() - used_new_fields(part)


def dump_used(part: BaseModel) -> dict[str, Any]:
    """One part of a request as JSON, without new fields that are at their default; with all older fields."""
    return part.model_dump(mode="json", exclude=set(unused_new_fields(part)))
