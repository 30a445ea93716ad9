"""Passwords: checked and hashed off the event loop, in a bounded number of threads, and the rules for new ones.

One argon2id hash takes 19 MiB and some 20 ms of a core on purpose. Threads and queue are bounded, so that a flood of
sign-ins costs a bounded amount of memory and every answer comes within a second (OWASP ASVS 5 appendix C).
"""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TypeVar

from app.crypto.passwords import DECOY, hash_password, needs_rehash, verify_password
from app.services.common_passwords import COMMON_PASSWORDS

MIN_LENGTH = 15
"""Characters of a new password: NIST SP 800-63B-4 §3.1.1.2 for a password that is the only factor."""

MAX_LENGTH = 1024
"""Characters; longer ones are refused, also at sign-in, because nobody's hash can be of one."""

_NUMBER_AT_END = re.compile(r"(?<=[^0-9])[0-9]{1,8}$")

_Result = TypeVar("_Result")


class PasswordQueueFull(Exception):
    """More passwords wait to be hashed than may wait. `retry_after` in seconds."""

    def __init__(self, retry_after: int = 5) -> None:
        self.retry_after = retry_after
        super().__init__("too many passwords are waiting to be hashed")


class PasswordPlace:
    """A place in the queue: its holder may hash and verify, one after the other."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Tell whether the password is right; None stands for an account that does not exist and takes as long."""
        matched = await self._run(verify_password, encoded or DECOY, password)
        return matched and encoded is not None

    async def hash(self, password: str) -> str:
        """Return the encoded argon2id hash."""
        return await self._run(hash_password, password)

    async def rehash_if_weak(self, encoded: str, password: str) -> str | None:
        """Return a new hash when the old one was made with weaker parameters than today's, else None."""
        return await self.hash(password) if needs_rehash(encoded) else None

    async def _run(self, work: Callable[..., _Result], *arguments: str) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)


class PasswordQueue:
    """The process's threads for passwords. `threads` hash at a time, `waiting` more may wait."""

    def __init__(self, *, threads: int = 2, waiting: int = 40) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._capacity = threads + waiting
        self._taken = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[PasswordPlace]:
        """Take a place for the length of the block; raises `PasswordQueueFull` at once when there is none.

        Take it before counting the attempt: whoever is turned away here has not failed.
        """
        if self._taken >= self._capacity:
            raise PasswordQueueFull
        self._taken += 1
        try:
            yield PasswordPlace(self._executor)
        finally:
            self._taken -= 1

    def close(self) -> None:
        """Let the threads end; what runs is finished, what waits is dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def problem_with(password: str, context: Iterable[str] = ()) -> str:
    """Return what is wrong with a new password as an instruction to the person; empty when it is accepted.

    NIST SP 800-63B-4 §3.1.1.2 (PW-1 to PW-4): 15 characters or more, each code point counted once after NFC, no rules
    of composition, and not one of the passwords that are guessed first. The whole password is compared, never a part.
    `context` are words that belong to the service or the person: its name, the username, the email address.
    """
    length = len(unicodedata.normalize("NFC", password))
    if length < MIN_LENGTH:
        return f"Use {MIN_LENGTH} characters or more. Four or five words in a row are easy to remember."
    if length > MAX_LENGTH:
        return f"Use {MAX_LENGTH} characters or fewer."
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in password):
        return "Leave out characters that can’t be typed, such as line breaks."
    bare = _bare(password)
    spellings = _spellings(bare)
    if len(set(bare)) <= 2 or any(map(_is_sequence, spellings)) or not spellings.isdisjoint(COMMON_PASSWORDS):
        return "This password is among the first that people guess. Choose words that don’t belong together."
    if not spellings.isdisjoint(_context_spellings(context)):
        return "This password is made of a name that others know. Choose words that have nothing to do with you or us."
    return ""


def _bare(password: str) -> str:
    """The password as guessers spell it: case and separators do not make it another one."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    bare = "".join(character for character in folded if character.isalnum())
    return bare if 2 * len(bare) >= len(folded) else folded


def _spellings(bare: str) -> frozenset[str]:
    """The forms to look up: as it is, without a number at its end, and of both the piece that they repeat."""
    core = _NUMBER_AT_END.sub("", bare)
    return frozenset({bare, core, _unit(bare), _unit(core)})


def _unit(text: str) -> str:
    """The shortest piece that the text repeats: "abcabcabc" → "abc"; the text itself when it repeats nothing."""
    at = (text + text).find(text, 1)
    return text[:at] if at > 0 else text


def _is_sequence(text: str) -> bool:
    """Characters in steps of one, up or down: "1234567890123", "zyxwvuts"."""
    width = 10 if text.isdigit() else 26
    steps = {(ord(right) - ord(left)) % width for left, right in pairwise(text)}
    return steps in ({1}, {width - 1})


def _context_spellings(context: Iterable[str]) -> frozenset[str]:
    spellings: set[str] = set()
    for entry in context:
        local, _, domain = entry.partition("@")
        for word in (entry, local, domain, domain.partition(".")[0]):
            spellings |= _spellings(_bare(word))
    return frozenset(spellings - {""})
