"""An agent on FastMCP as it comes: `python fastmcp_agent.py URL OPTIONS`, in an environment that has FastMCP.

It connects, lets its access token end, and calls a tool that needs more; it says as JSON what the tools said. Whenever
its person has to decide, it opens his browser.
"""

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client  # type: ignore[import-not-found]
from fastmcp.client.auth import OAuth  # type: ignore[import-not-found]


async def _main(url: str, options: dict[str, Any]) -> None:
    provider = OAuth(**options)
    async with Client(url, auth=provider) as client:

        async def call(tool: str, **arguments: Any) -> tuple[str, str]:
            result = await client.call_tool(tool, arguments)
            said = "\n".join(part.text for part in result.content)
            return said, provider.context.current_tokens.access_token

        seen = [await call("list_notes")]
        provider.context.token_expiry_time = 1.0
        seen += [await call("list_notes"), await call("add_note", text="Water the figs"), await call("list_notes")]
    print(json.dumps({"client_id": provider.context.client_info.client_id, "seen": seen}))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], json.loads(sys.argv[2])))
