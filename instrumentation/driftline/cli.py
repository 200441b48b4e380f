"""The `driftline` command line. Each command is imported only when it is invoked."""

from typing import Final

import click


class _Commands(click.Group):
    """The subcommands, by the module and name that define each."""

    locations: Final = {
        "demo": ("driftline.tools.demo.command", "demo"),
        "doctor": ("driftline.tools.doctor.command", "doctor"),
        "outcomes": ("driftline.outcomes.command", "outcomes"),
        "profile": ("driftline.profiling.command", "profile"),
        "rows": ("driftline.rows.command", "rows"),
        "schema": ("driftline.checking.command", "schema"),
        # by name: the processor is never imported here
        "report": ("driftline_processor.web.command", "report"),
        "replay": ("driftline_processor.replay.command", "replay"),
        "skew": ("driftline_processor.skew_files.command", "skew"),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(self.locations)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self.locations:
            return None
        from importlib import import_module

        module, name = self.locations[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=_Commands)
@click.version_option(package_name="driftline")
def main() -> None:
    """Driftline: ML drift monitoring on OpenTelemetry."""
