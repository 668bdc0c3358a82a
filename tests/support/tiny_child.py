"""An extracting child with the tiny dataset: `python -m tests.support.tiny_child`."""

from consumer.datasets.base import Dataset
from consumer.extract.__main__ import main
from tests.support.tiny_dataset import tiny


def find(name: str) -> Dataset:
    """Some names misbehave, as libraries do."""
    match name:
        case "prints":
            print("this must not reach the pipe", flush=True)
        case "fails":
            raise ValueError("with a value nobody should read: +79991234567")
        case "eats":
            return tiny(str(bytearray(1 << 40)))
        case _:
            pass
    return tiny(name)


if __name__ == "__main__":
    main(find)
