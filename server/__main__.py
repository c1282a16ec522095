"""Starts the `kuayu` command.

It imports nothing before it is called: every worker process reads the main module anew, and with
the whole service in it each would take two seconds of CPU and 100 MB more.
"""

from __future__ import annotations


def main() -> None:
    """Run the command."""
    from server.cli import app  # noqa: PLC0415

    app()


if __name__ == "__main__":
    main()
