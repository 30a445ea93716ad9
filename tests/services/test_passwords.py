"""Passwords: the rules for new ones, and the bounded queue that hashes them."""

import asyncio
import threading

import pytest

from app.crypto import passwords as arithmetic
from app.services.passwords import MAX_LENGTH, PasswordQueue, PasswordQueueFull, problem_with

CONTEXT = ("Assent", "id.example.org", "ada", "ada.lovelace@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "violet anchor plum taxi",
        "8372 9913 4451 0283",
        "Zs9#q!vL2@xTr7&",
        '"#$%&/()=?*+~^<>',
        "пять зелёных чаек",
        "日本語のとても長い合言葉を選ぶ",
        " spaces at both ends ",
        "x7" + "kq2 " * 200,
    ],
)
def test_a_long_password_that_nobody_expects_is_accepted(password: str) -> None:
    assert problem_with(password, CONTEXT) == ""


@pytest.mark.parametrize(
    "password",
    [
        "password1234567",
        "Password Password!",
        "PassWord-PassWord-2024",
        "123456789012345",
        "987654321098765",
        "abcabcabcabcabc",
        "abcdefghijklmnopq",
        "zyxwvutsrqponmlk",
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "qwertyuiopasdfgh",
        "q1w2e3r4t5q1w2e3r4t5",
        "Correct-Horse-Battery-Staple",
        "correct horse battery staple 1",
        "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ",  # noqa: RUF001 - full width letters fold to plain ones
        "................",
    ],
)
def test_a_password_that_is_guessed_first_is_refused_whatever_its_spelling(password: str) -> None:
    assert "first that people guess" in problem_with(password, CONTEXT)


@pytest.mark.parametrize(
    "password",
    ["ada.lovelace@example.org", "Ada Lovelace Ada Lovelace", "id.example.org 2026", "adalovelace 20261"],
)
def test_names_of_the_service_or_the_person_are_no_password(password: str) -> None:
    assert "a name that others know" in problem_with(password, CONTEXT)


def test_a_common_word_inside_a_long_password_does_not_matter() -> None:
    assert problem_with("ada keeps a password under the mat", CONTEXT) == ""


def test_fourteen_characters_are_too_few_and_fifteen_enough() -> None:
    assert "15 characters or more" in problem_with("vq8 mz1 kt5 wx")
    assert problem_with("vq8 mz1 kt5 wxy") == ""


def test_length_counts_code_points_after_composition() -> None:
    decomposed = "e\u0301a\u0300" * 7
    assert len(decomposed) == 28
    assert "15 characters or more" in problem_with(decomposed)
    assert problem_with(decomposed + "x") == ""


def test_a_password_may_have_1024_characters_and_no_more() -> None:
    longest = ("vq8 mz1 kt5 wx " * 100)[:MAX_LENGTH]
    assert problem_with(longest) == ""
    assert "1024 characters or fewer" in problem_with(longest + "y")


@pytest.mark.parametrize("character", ["\n", "\x1b", "\ud800"])
def test_characters_that_cannot_be_typed_are_refused(character: str) -> None:
    assert "can’t be typed" in problem_with(f"violet anchor{character} plum taxi")


async def test_hashing_happens_beside_the_event_loop() -> None:
    queue = PasswordQueue(threads=1, waiting=1)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async with queue.place() as place:
        encoded = await place.hash("violet anchor plum taxi")
        assert await place.verify(encoded, "violet anchor plum taxi")
        assert not await place.verify(encoded, "violet anchor plum taxi ")
    ticking.cancel()
    assert ticks > 2


async def test_no_password_belongs_to_an_account_that_does_not_exist() -> None:
    async with PasswordQueue(threads=1).place() as place:
        assert not await place.verify(None, "no account has this password")


async def test_whoever_finds_the_queue_full_is_turned_away_at_once_and_a_free_place_is_given_again() -> None:
    queue = PasswordQueue(threads=1, waiting=1)
    async with queue.place(), queue.place():
        with pytest.raises(PasswordQueueFull) as full:
            async with queue.place():
                pass
        assert full.value.retry_after > 0
    async with queue.place() as place:
        assert await place.hash("x")


async def test_no_more_hashes_run_at_once_than_there_are_threads() -> None:
    queue = PasswordQueue(threads=2, waiting=20)
    before = {thread.name for thread in threading.enumerate()}

    async def hash_one() -> None:
        async with queue.place() as place:
            await place.hash("violet anchor plum taxi")

    await asyncio.gather(*(hash_one() for _ in range(8)))
    started = {thread.name for thread in threading.enumerate()} - before
    assert len(started) <= 2
    queue.close()


async def test_a_hash_with_weak_parameters_is_replaced_and_a_current_one_kept() -> None:
    weak = "$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$Z2FyYmFnZWdhcmJhZ2VnYXJiYWdlZ2FyYmFnZWdhcmI"
    async with PasswordQueue(threads=1).place() as place:
        renewed = await place.rehash_if_weak(weak, "violet anchor plum taxi")
        assert renewed is not None
        assert arithmetic.verify_password(renewed, "violet anchor plum taxi")
        assert await place.rehash_if_weak(renewed, "violet anchor plum taxi") is None
