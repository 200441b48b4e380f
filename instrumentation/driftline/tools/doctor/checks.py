"""All checks of an environment, in the order in which they are told."""

from collections.abc import Iterator

from driftline.tools.doctor import command_checks, endpoint_checks, installation_checks, variable_checks
from driftline.tools.doctor.environment import Environment
from driftline.tools.doctor.finding import Finding


def environment_findings(environment: Environment) -> Iterator[Finding]:
    """The findings of every check. What is installed here says nothing of a command in another environment."""
    elsewhere = bool(environment.command_python)
    first = () if elsewhere else (installation_checks,)
    for module in (*first, variable_checks, endpoint_checks, command_checks):
        for check in module.CHECKS:
            yield from check(environment)
