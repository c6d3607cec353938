"""`geoalert keys`: credentials, shown once when they are made."""

from __future__ import annotations

import typer

from geoalert.bootstrap import House
from geoalert.cli.console import err, out
from geoalert.cli.inside import in_house
from geoalert.departments import issue, name_officer
from geoalert.departments import revoke as end
from geoalert.departments.roles import KEY_RIGHTS

app = typer.Typer(no_args_is_help=True)


@app.command()
def create(
    department: str = typer.Argument(..., help="The department's code."),
    officer: str = typer.Option("", "--officer", help="A named person; without one, the key is a machine's."),
    post: str = typer.Option("", "--post", help="The person's post."),
    role: list[str] = typer.Option(["nodal"], "--role", help="author, nodal, disaster, cell, call-centre, …"),
    right: list[str] = typer.Option(sorted(KEY_RIGHTS), "--right", help="What a machine's key may do."),
) -> None:
    """Make a key for a department's machine, or name an officer and make their credential."""

    async def run(house: House) -> str:
        async with house.store.writing() as session:
            if not officer:
                return await issue(session, department, rights=frozenset(right))
            person = await name_officer(session, department, officer, post, role)
            return await issue(session, department, officer=person.reference)

    out.print(in_house(run), markup=False)
    err.print("this is shown once; only its hash is kept")


@app.command(context_settings={"ignore_unknown_options": True})  # older ones may begin with a dash
def revoke(public: str = typer.Argument(..., help="The credential's middle part.")) -> None:
    """End a credential at once."""

    async def run(house: House) -> None:
        async with house.store.writing() as session:
            await end(session, public)

    in_house(run)
    out.print("revoked")
