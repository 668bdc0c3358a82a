"""Finds a dataset by its name. Folders are listed, and only the one asked for is imported."""

import pkgutil
from importlib import import_module
from typing import cast

import consumer.datasets
from consumer.datasets.base import Dataset
from consumer.errors import UnresolvableRequestError
from schemas.codes import ErrorCode


def names() -> tuple[str, ...]:
    """The datasets this service knows, sorted."""
    return tuple(
        sorted(folder.name for folder in pkgutil.iter_modules(consumer.datasets.__path__) if folder.ispkg)
    )


def find(name: str) -> Dataset:
    """The dataset of that name (`DATASET` in its `dataset.py`), or UnresolvableRequestError with the known names."""
    if name not in names():
        known = ", ".join(names())
        raise UnresolvableRequestError(
            ErrorCode.UNKNOWN_DATASET, f"There is no dataset {name!r}; this service knows: {known}."
        )
    return cast("Dataset", import_module(f"consumer.datasets.{name}.dataset").DATASET)
