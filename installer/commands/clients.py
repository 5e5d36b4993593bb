"""`leashctl clients`: what points phones and other clients at this installation; it needs no database."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from appliance.clock import utc_now
from appliance.keys import load_or_create_keys
from installer.console import print_json
from installer.context import CommandLine

if TYPE_CHECKING:
    from appliance.endpoint.profile import SignedProfile

clients_app = typer.Typer(
    help="What points phones and other clients at this installation.", no_args_is_help=True, rich_markup_mode=None
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@clients_app.command("profile")
def show_profile(
    ctx: typer.Context,
    *,
    target: Annotated[
        str,
        typer.Option(
            "--for", metavar="TARGET", help="android, ios, webclip or qr; the signed profile itself if left out."
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file instead of printing.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the signed profile, or the file that device management takes; for `qr` a picture in the terminal."""
    signed = _signed(ctx.obj)
    if as_json and not target:
        print_json(signed)
        return
    if not target:
        typer.echo(signed.profile)
        typer.echo(f"Signature: {signed.signature}", err=True)
        typer.echo(f"Key:       {signed.key.public_key} ({signed.key.id})", err=True)
        return
    from appliance.endpoint.payloads import Target, payload, settings_of  # noqa: PLC0415 - not for every command

    made = payload(signed, target)
    if as_json:
        print_json({"file_name": made.file_name, "media_type": made.media_type, "content": made.content.decode()})
    elif out is not None:
        out.write_bytes(made.content)
        typer.echo(f"{out} is written ({made.media_type}).", err=True)
    elif target == Target.QR:
        _draw(settings_of(signed)["apiUrl"])
    else:
        sys.stdout.buffer.write(made.content)


@clients_app.command("verify")
def verify_profile(
    profile: Annotated[Path, typer.Argument(metavar="FILE", help="The profile, byte for byte as it was delivered.")],
    *,
    signature: Annotated[str, typer.Option(help="The detached signature in base64.")],
    key: Annotated[str, typer.Option(help="The public key in base64, from a source that you trust.")],
    as_json: AsJson = False,
) -> None:
    """Check a profile as a client would: signature, kind and time."""
    from appliance.endpoint.profile import verified  # noqa: PLC0415 - see above

    found = verified(profile.read_bytes().rstrip(b"\n"), signature, key, utc_now())
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found.api_url} of {found.organization.name} is vouched for by this key.")


def _signed(line: CommandLine) -> "SignedProfile":
    from appliance.endpoint.profile import ProfileSigner  # noqa: PLC0415 - see above

    return ProfileSigner(line.config, load_or_create_keys(line.config.state.directory)).signed(utc_now())


def _draw(address: str) -> None:
    from appliance.identity.codes import qr_text  # noqa: PLC0415 - see above

    typer.echo(qr_text(address))
    typer.echo(address)
