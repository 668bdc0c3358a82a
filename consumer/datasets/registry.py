"""Finds datasets by name: lists the packages, and imports only the requested one."""

import pkgutil
from importlib import import_module
from typing import cast

import consumer.datasets
from consumer.datasets.base import Dataset
from consumer.errors import UnresolvableRequestError
from schemas.codes import ErrorCode


def names() -> tuple[str, ...]:
    """Names of all datasets, sorted."""
    return tuple(
        sorted(folder.name for folder in pkgutil.iter_modules(consumer.datasets.__path__) if folder.ispkg)
    )


def find(name: str) -> Dataset:
    """The dataset of this name, `DATASET` in its `dataset.py`. Raises UnresolvableRequestError."""
    if name not in names():
        known = ", ".join(names())
        raise UnresolvableRequestError(
            ErrorCode.UNKNOWN_DATASET, f"There is no dataset {name!r}; this service knows: {known}."
        )
    return cast("Dataset", import_module(f"consumer.datasets.{name}.dataset").DATASET)
