"""The `kuayu` command: what there is, and the module each part is imported from when it is run.

The whole service takes seconds of CPU to import. Who asks for help, keeps keys or judges a file by
a signed list does not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand
from typer.main import get_group


class Known(NamedTuple):
    """A command before it is imported: its module below server.commands, and its line of help."""

    module: str
    says: str


COMMANDS: Final = {
    "serve": Known(
        "serve", "Serve in production: refuses demo keys, demo accounts and a missing secret."
    ),
    "signer": Known(
        "signer",
        "Hold the seals' keys and sign for the service on a Unix socket, until stopped.",
    ),
    "media": Known("media", "Forward the media of calls for a service, until stopped."),
    "demo": Known(
        "demo",
        "Serve the demonstration: its own keys and accounts, and one finished case to look at.",
    ),
    "rehearse": Known(
        "rehearse",
        "Play the main job once against a running service, and say how long each stage took.",
    ),
    "verify": Known(
        "verify",
        "Judge a certificate's file, SM2 signature or QR code; status 0 if it is genuine.",
    ),
    "verify-store": Known(
        "store", "Walk everything that is kept and name what is wrong; status 0 if nothing is."
    ),
    "backup": Known("store", "Copy database and files; keys are kept apart and are not in it."),
    "restore": Known(
        "store", "Put a backup back into an empty data folder, every hash checked before."
    ),
    "openapi": Known("documents", "Print the API's OpenAPI document."),
    "socket": Known("documents", "Print the document of all that goes over the socket."),
    "staff": Known("staff", "Staff accounts."),
    "keys": Known("keys", "The chain of trust and its keys."),
    "db": Known("db", "The database's schema."),
    "templates": Known("templates", "Certificate templates."),
}


def load(name: str) -> Any:  # noqa: ANN401 (Typer's own kind of command, which it does not export)
    """Import a command, and return it."""
    module = import_module(f"server.commands.{COMMANDS[name].module}")
    return get_group(module.app).commands[name]


class Late(TyperCommand):
    """A command that is imported when it is run, or asked for its own help."""

    def make_context(self, *args: Any, **named: Any) -> Any:  # noqa: ANN401 (passed on as it comes)
        """Begin the real command; from here on that is the one that runs."""
        return load(self.name or "").make_context(*args, **named)


app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Kuayu 跨域: the cross-region video counter."
)
for _name, _known in COMMANDS.items():
    app.command(_name, cls=Late, help=_known.says)(lambda: None)
