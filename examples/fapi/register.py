"""Makes the program's key, and the file that registers it with a server.

Run it with `python -m examples.fapi.register`; the README says what comes then.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from joserfc.jwk import ECKey

from examples.fapi.jwts import ALGORITHM

FOLDER = Path("fapi-example")
KEY, REGISTRATION = "key.json", "application.toml"

_APPLICATION = """\
# `assent apply` registers the program with a server. The private half of the key stays beside this file.
[[applications]]
client_id = "ledger"
client_name = "Ledger"
profile = "fapi2-message-signing"
application_type = "native"                      # it listens on this machine, at any port
redirect_uris = ["http://127.0.0.1/callback"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid profile project:read"
token_endpoint_auth_method = "private_key_jwt"
id_token_signed_response_alg = "{algorithm}"
authorization_signed_response_alg = "{algorithm}"
response_modes = ["jwt"]

[[applications.jwks.keys]]
"""


def main(arguments: list[str] | None = None) -> int:
    """Write both files into a folder, unless there are some, and return the exit status."""
    parser = argparse.ArgumentParser(description="Make a key and a registration for a FAPI 2.0 application.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write both (%(default)s)")
    folder = parser.parse_args(arguments).folder
    if (folder / KEY).exists():
        print(f"{folder / KEY} is there already; remove it to begin anew.", file=sys.stderr)
        return 1
    write(folder)
    print(f"Wrote {folder / KEY} and {folder / REGISTRATION}.")
    return 0


def write(folder: Path) -> None:
    """Make a key; keep it where nobody else reads it, and put its public half into a data file."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(key.as_dict(private=True), file)
    members = "".join(f'{name} = "{value}"\n' for name, value in key.as_dict(private=False).items())
    (folder / REGISTRATION).write_text(_APPLICATION.format(algorithm=ALGORITHM) + members, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
