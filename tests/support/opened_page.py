"""The browser that a program opens for its person: `python -m tests.support.opened_page URL`.

The person is named by the environment. He signs in and allows what is asked, and his browser goes back to the program.
"""

import asyncio
import os
import sys
import time
from urllib.parse import parse_qs, urlsplit

from app.outbound.visitor import Unreachable, Visitor
from tests.support.login import Person, go

NAME, PASSWORD = "PERSON_NAME", "PERSON_PASSWORD"
PATIENCE = 60.0


def command(person: Person) -> dict[str, str]:
    """Return the environment by which programs find this browser and its person."""
    here = f"{sys.executable} -m tests.support.opened_page %s &"
    return {"BROWSER": here, NAME: person.username, PASSWORD: person.password}


async def _main(url: str) -> None:
    async with Visitor() as browser:
        callback = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        back = await go(browser, Person(os.environ[NAME], os.environ[PASSWORD]), url, callback=callback)
        deadline = time.monotonic() + PATIENCE
        while True:  # the program listens for the answer only when it has opened the page
            try:
                await browser.get(back)
                return
            except Unreachable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
