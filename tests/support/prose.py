"""Words that hide a common term, in the prose of pages, Python and SQL: `make prose` lists where they are.

Prose is a page without its code, and the comments and strings of a Python file. Names in backticks, link
targets and addresses are no prose.
"""

import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BANNED = (
    r"told",
    r"untold",
    r"hears?|heard|hearing",
    r"stands?|stood|standing",
    r"lies?|lying|lay",
    r"anew",
    r"rooms?",
    r"houses?|housekeeping",
    r"lets? in|letting in",
    r"ma[dk]e good|makes good|making good",
    r"nobody",
    r"of no more use",
    r"said|says? nothing",
    r"wish|wishes|wished",
    r"letters?",
    r"workshops?",
    r"keepers?",
    r"burns?|burned|burnt",
    r"take-overs?",
)
"""Patterns of whole words, without case."""

ALLOWED_IN = {
    "*": ("dead letter", "dead letters", "dead-letter", "stand-in", "stand-ins"),
    "CHANGELOG.md": ("letters of another alphabet", "composed letters"),
    "devstack/accounts.py": ("nobody",),
    "docs/chats.md": (
        "letters and digits",
        "called by its letter",
        "a letter of another alphabet",
        "which letters they are",
        "fifth and sixth may be letters",
        "two letters or more",
        "decomposed letters",
        "the number of a house",
    ),
    "docs/configuration.md": ("names are letters, digits",),
    "docs/errors.md": ("letters are of another alphabet", "composed letters find decomposed ones"),
}
"""Phrases in which such a word is the right one: everywhere, or in one file."""

LITERAL_WORDS = {
    "consumer/cells/column_letters.py": r"letters",
    "consumer/datasets/chats/rules/": r"letters?|house|room",
    "consumer/http/auth/tokens.py": r"letters?",
    "consumer/settings.py": r"letters",
    "consumer/sources/": r"letters?",
    "devstack/accounts.py": r"nobody",
    "devstack/fakedata/": r"letters?",
    "producer_cli/settings.py": r"letters",
    "producer_cli/source_arguments.py": r"letters",
    "schemas/file_names.py": r"letters",
    "tests/support/": r"letters",
    "tests/unit/datasets/chats/": r"letters",
    "tests/unit/http/auth/test_tokens.py": r"letters",
    "tests/unit/sources/": r"letters?",
}
"""Words meant literally in a folder or file of code: letters of an alphabet, an address, a user."""

SUFFIXES = (".md", ".py", ".sql")
THIS = "tests/support/prose.py"
SKIPPED = (THIS, "tests/unit/test_prose.py", "LICENSE")
"""Files that quote the words."""
WORD = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)
NOT_PROSE = re.compile(r"^```.*?^```|`[^`\n]+`|\]\([^)]*\)|https?://\S+", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
STRINGS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


@dataclass(frozen=True, slots=True)
class Finding:
    """A banned word in a line of a file."""

    file: str
    line: int
    word: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.word}: {self.text}"


def list_files() -> list[str]:
    """The files with prose, as git knows them or as they are on disk."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *(f"*{end}" for end in SUFFIXES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    found = listed or [
        str(path.relative_to(ROOT)) for end in SUFFIXES for path in ROOT.glob(f"[!.]*/**/*{end}")
    ]
    return sorted(name for name in found if name not in SKIPPED and (ROOT / name).exists())


def find_in_file(name: str) -> list[Finding]:
    """Each banned word of a file of the tree."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if not WORD.search(text):
        return []
    literal = ALLOWED_IN["*"] + ALLOWED_IN.get(name, ())
    return [finding for finding in find_banned(text, literal, name=name) if not _is_literal(finding)]


def _is_literal(finding: Finding) -> bool:
    return any(
        finding.file.startswith(folder) and re.fullmatch(words, finding.word, re.IGNORECASE)
        for folder, words in LITERAL_WORDS.items()
    )


def find_banned(text: str, literal: tuple[str, ...] = (), *, name: str = "page.md") -> Iterator[Finding]:
    """Each banned word of a text outside of the phrases given."""
    prose = _without(NOT_PROSE, _comments_and_strings(text) if name.endswith(".py") else text)
    for phrase in literal:
        prose = _without(re.compile(rf"\b{re.escape(phrase)}\b", re.IGNORECASE), prose)
    lines = text.splitlines()
    for match in WORD.finditer(prose):
        line = prose.count("\n", 0, match.start()) + 1
        yield Finding(name, line, match[0], lines[line - 1].strip())


def _without(pattern: re.Pattern[str], text: str) -> str:
    """The text with what matches blanked out; the lines keep their numbers."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _comments_and_strings(code: str) -> str:
    """The code with all else blanked out."""
    kept = [" " * len(line.rstrip("\n")) for line in code.splitlines(keepends=True)]
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type in STRINGS:
            _keep(
                kept, token.start, _without(PLACEHOLDER, token.string) if _is_format(token) else token.string
            )
    return "\n".join(kept)


def _is_format(token: tokenize.TokenInfo) -> bool:
    """Whether it is an f-string; before Python 3.12 its expressions are part of the token."""
    return token.type == tokenize.STRING and "f" in token.string.partition(token.string[-1])[0].lower()


def _keep(kept: list[str], start: tuple[int, int], text: str) -> None:
    first, column = start
    for offset, part in enumerate(text.split("\n")):
        at = column if offset == 0 else 0
        line = kept[first - 1 + offset]
        kept[first - 1 + offset] = line[:at] + part + line[at + len(part) :]


def main() -> int:
    """Print every finding, and how many there are in each folder."""
    found = [finding for name in list_files() for finding in find_in_file(name)]
    for finding in found:
        print(finding)
    folders = Counter("/".join(Path(finding.file).parts[:2]) for finding in found)
    for folder, count in folders.most_common():
        print(f"{count:6} {folder}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
