"""The commands of `python -m server`, each in a module of `server.commands`."""

from __future__ import annotations

from edge.command_line import Command, run_program, say
from edge.errors import MissingExtra

EXTRA_BRINGS = (
    *("tuf", "securesystemslib", "cryptography", "filelock", "zstandard"),
    *("flask", "werkzeug", "sqlalchemy", "alembic", "pg8000", "gunicorn", "prometheus_client"),
)

COMMANDS: tuple[Command, ...] = (
    Command("init", "server.commands.init", "make a repository: folders, keys, first metadata"),
    Command("publish", "server.commands.publish", "publish a shard to the devices, signed"),
    Command("rollout", "server.commands.rollout", "let a staged version reach more devices"),
    Command("withdraw", "server.commands.withdraw", "take a version or a product back from the devices"),
    Command("refresh", "server.commands.refresh", "sign anew what is about to expire"),
    Command("rotate", "server.commands.rotate", "replace the keys of a role and revoke the old ones"),
    Command("serve", "server.commands.serve", "serve devices: catalogues, enrolment, events"),
    Command("device", "server.commands.device", "let devices in with a one-time code, list them, shut them out"),
    Command("admin", "server.commands.admin", "set the password of the operator's page"),
    Command("tags", "server.commands.tags", "export what devices decided, as CSV or Parquet"),
    Command("views", "server.commands.views", "export vectors that creators agreed to share, for the next catalogue"),
    Command("migrate", "server.commands.migrate", "bring the database to this version's tables"),
    Command("status", "server.commands.status", "show what is published, its size, and how long it is valid"),
)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        return run_program(
            "server", "Publish signed catalogues for devices, and take in what they decided.", COMMANDS, argv
        )
    except ModuleNotFoundError as e:
        needed = (e.name or "").partition(".")[0]
        if needed not in EXTRA_BRINGS:
            raise
        missing = MissingExtra(needed, "server")
        say(f"server: {missing}")
        return missing.exit_code
