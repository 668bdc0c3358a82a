"""The jars of Apache Kafka: downloaded once by jgo into the user's cache, and verified at every start.

`jars.lock` names every jar, transitive ones included, with its SHA-256; the class path holds nothing else.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import StackError

LOCK_FILE = Path(__file__).with_name("jars.lock")
KAFKA_VERSION = "4.3.0"
# kafka-clients is named because Maven would resolve to an older one otherwise.
ROOT_ARTIFACTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
    f"+org.apache.kafka:kafka-clients:{KAFKA_VERSION}"
    "+org.apache.logging.log4j:log4j-slf4j-impl:2.25.3"
)


@dataclass(frozen=True, slots=True)
class Jar:
    """A jar: its Maven coordinates and its SHA-256."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """Its file name."""
        return f"{self.artifact}-{self.version}.jar"


def locked_jars(lock: Path = LOCK_FILE) -> list[Jar]:
    """The jars named in the lock file."""
    return [_parse_line(line) for line in lock.read_text().splitlines() if not line.startswith("#")]


def _parse_line(line: str) -> Jar:
    sha256, coordinates = line.split()
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256)


def cache_folder() -> Path:
    """The folder that holds the jars for all stacks of this user."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "devstack" / f"kafka-{KAFKA_VERSION}"


def class_path(folder: Path | None = None, jars: list[Jar] | None = None) -> str:
    """The class path of a broker. Downloads missing jars and verifies each. Raises StackError."""
    folder = folder or cache_folder()
    jars = locked_jars() if jars is None else jars
    if any(not (folder / jar.name).exists() for jar in jars):
        fetch_missing(folder, jars)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda jar: verify(folder / jar.name, jar), jars))
    return os.pathsep.join(str(folder / jar.name) for jar in jars)


def verify(path: Path, jar: Jar) -> None:
    """Raise StackError when the file is not the pinned jar."""
    sha256 = sha256_of(path)
    if sha256 != jar.sha256:
        raise StackError(
            f"The jar {path} is not the pinned one (SHA-256 {sha256}, expected {jar.sha256}): "
            "remove it and it is fetched again; "
            "if that does not help, do not trust the repository that it comes from."
        )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_missing(folder: Path, jars: list[Jar]) -> None:
    """Download the jars that are missing; a lock lets one process download at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        _exclusive_lock(folder / ".lock"),
        tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch,
    ):
        missing = [jar for jar in jars if not (folder / jar.name).exists()]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda jar: _fetch(jar, Path(scratch), folder), missing))


@contextmanager
def _exclusive_lock(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(jar: Jar, scratch: Path, folder: Path) -> None:
    try:
        path = _download(jar, scratch)
    except Exception as error:  # jgo raises errors of requests and RuntimeError
        raise StackError(
            f"The jar {jar.name} of Apache Kafka could not be fetched ({error}). "
            "The first start needs Maven Central or a mirror of it named in jgo's settings; "
            "or use --stack docker or external."
        ) from error
    verify(path, jar)
    shutil.move(path, folder / jar.name)


def _download(jar: Jar, scratch: Path) -> Path:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    repositories = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    context = MavenContext(repo_cache=scratch, remote_repos=repositories, timeout=60)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    return Path(component.artifact().resolve())


def relock() -> None:
    """Resolve the dependencies of Kafka and write the lock file; for maintainers."""
    import jgo

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["M2_REPO"] = scratch  # jars of the user's own repository must not be pinned
        resolved = [(sha256_of(Path(jar.resolve())), jar) for jar in jgo.resolve(ROOT_ARTIFACTS)]
    lines = (f"{sha256}  {jar.groupId}:{jar.artifactId}:{jar.version}\n" for sha256, jar in resolved)
    LOCK_FILE.write_text("# Written by `python -m devstack jars`.\n" + "".join(lines))
