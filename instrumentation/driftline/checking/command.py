"""`driftline schema`: the rules of a training profile for other tools."""

from pathlib import Path

import click

from driftline.checking.schemas.formats import FORMATS


@click.command(short_help="Write the rules of a profile for other tools.")
@click.argument("reference", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "name",
    required=True,
    type=click.Choice(list(FORMATS)),
    help="jsonschema: a JSON Schema 2020-12 of a row. mlflow: inputs of a model signature; it knows types and missing "
    "values, no ranges and no categories. pandera: Python source of a schema of a table. pydantic: Python source of a "
    "model of a row.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write. Default: standard output."
)
def schema(reference: Path, name: str, output: Path | None) -> None:
    """Write the rules that an input check takes from the profile REFERENCE for other tools."""
    from driftline.checking.column_rules import column_rules
    from driftline.reference.errors import ProfileError
    from driftline.reference.read import load_profile

    try:
        profile = load_profile(reference)
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    text = FORMATS[name](profile.model, column_rules(profile))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output}: cannot be written: {error.strerror or error}") from error
