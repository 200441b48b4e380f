"""`driftline`: the command line. What a command needs is imported when it is called."""

from typing import Final

import click


class _Commands(click.Group):
    """The commands, by where each one is defined."""

    places: Final = {
        "demo": ("driftline.demo.command", "demo"),
        "profile": ("driftline.profiling.command", "profile"),
        "replay": ("driftline_processor.replay.command", "replay"),  # a name: the processor's parts are its own
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self.places:
            return None
        from importlib import import_module

        module, name = self.places[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=_Commands)
@click.version_option(package_name="driftline")
def main() -> None:
    """See whether a model in production is still right."""
