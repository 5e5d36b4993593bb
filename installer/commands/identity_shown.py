"""What `leashctl identity` prints for people: tests, runs with their differences, and who somebody is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from appliance.agents.records import Machine
from appliance.identity.directories.plans import Run
from appliance.identity.directories.records import ProbeResult
from appliance.identity.directories.showing import Line
from appliance.identity.directories.trials import Trial
from appliance.identity.providers.records import Step
from appliance.identity.whois import InDirectory, RoleReason, WhoIs

LINES_MAX = 200


class Section(StrEnum):
    """The parts of a directory that can be tried alone."""

    REACH = "reach"
    TLS = "tls"
    BIND = "bind"
    FIND_USER = "find-user"
    GROUPS = "groups"
    SIGN_IN = "sign-in"


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a directory or provider, and how it went."""

    name: str
    section: str
    is_ok: bool
    said: str
    next_step: str
    host: str = ""
    seconds: float = 0.0
    cause: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()

    @classmethod
    def of_probe(cls, name: str, result: ProbeResult) -> "Checked":
        """A part of a directory."""
        return cls(
            name=name,
            section=result.section.value.replace("_", "-"),
            is_ok=result.is_ok,
            said=result.said,
            next_step=result.next_step,
            host=result.host,
            seconds=result.seconds,
        )

    @classmethod
    def of_trial(cls, name: str, trial: Trial) -> "Checked":
        """A sign-in that was tried."""
        return cls(
            name=name,
            section=Section.SIGN_IN.value,
            is_ok=trial.is_ok,
            said=trial.said,
            next_step=trial.next_step,
            seconds=round(trial.seconds, 3),
            cause=trial.cause,
            user=trial.user.user_name if trial.user else "",
            groups=trial.groups,
        )

    @classmethod
    def of_step(cls, name: str, step: Step) -> "Checked":
        """A part of a provider."""
        return cls(name=name, section=step.section, is_ok=step.is_good, said=step.said, next_step=step.next_step)


def tested(results: Sequence[Checked]) -> list[str]:
    """A line per part, and what to do below those that failed."""
    lines = []
    for each in results:
        took = f"  ({each.seconds:.2f} s)" if each.seconds else ""
        is_told = all(host in each.said for host in each.host.split(", "))
        host = "" if is_told else f"{each.host}: "
        state = "ok" if each.is_ok else "FAILED"
        lines.append(f"{each.name:<12} {each.section:<10} {state:<7} {_plain(host + each.said)}{took}")
        if each.groups:
            lines.append(f"{'':<31} groups: {_plain(', '.join(each.groups))}")
        if each.next_step:
            lines.append(f"{'':<31} -> {each.next_step}")
    return lines


def difference(lines: Sequence[Line], counts: Mapping[str, int], problem: str) -> list[str]:
    """Who would become what, as a table; numbers and the reason to stop below it."""
    shown = [
        f"{line.what.value:<10} {_plain(line.who):<32} {_plain(_about(line))}".rstrip() for line in lines[:LINES_MAX]
    ]
    if len(lines) > LINES_MAX:
        shown.append(f"... and {len(lines) - LINES_MAX} more; --json has all of them")
    numbers = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
    shown.append(numbers or "Nothing is to be changed.")
    return [*shown, _plain(problem)] if problem else shown


def _about(line: Line) -> str:
    moved = [*(f"+{name}" for name in line.gained), *(f"-{name}" for name in line.lost)]
    return ", ".join([*([line.cause] if line.cause else []), *moved])


def run_facts(run: Run) -> dict[str, object]:
    """A run as programs read it: without the cursor, which means nothing outside."""
    return {
        name: getattr(run, name)
        for name in (
            "id", "directory", "kind", "state", "started_at", "ended_at", "counts", "problem", "seconds_to_effect",
            "started_by", "resolved_at", "resolved_by",
        )
    }  # fmt: skip


def run_lines(history: Sequence[Run]) -> list[str]:
    """A line per run."""
    return [
        f"{run.id}  {run.started_at:%Y-%m-%d %H:%M:%S}  {run.kind.value:<11} {run.state.value:<8} {_took(run):>8}  "
        + (", ".join(f"{number} {name}" for name, number in run.counts.items()) or "nothing new")
        for run in history
    ]


def _took(run: Run) -> str:
    return f"{(run.ended_at - run.started_at).total_seconds():.1f} s" if run.ended_at else "-"


def found(who: WhoIs, machines: Sequence[Machine]) -> list[str]:
    """Somebody, paragraph by paragraph."""
    return [
        *_person(who),
        *(f"account    {each.source}  {_plain(each.user_name)}{_if(each.is_disabled, 'disabled there')}"
          f"  seen {_moment(each.seen_at)}" for each in who.accounts),
        *(f"directory  {_in_directory(each)}" for each in who.directories),
        *(f"group      {each.source}  {_plain(' > '.join(each.way))}" for each in who.groups),
        *(f"role       {_role(each)}" for each in who.roles),
        *(f"session    {each.id}  {each.kind.value}  last used {_moment(each.last_seen_at)}"
          f"  {_plain(each.device_name or each.user_agent)}" for each in who.sessions),
        *(f"machine    {each.id}  {_plain(each.hostname)}{_if(each.revoked_at is not None, 'revoked')}"
          for each in machines),
    ]  # fmt: skip


def _person(who: WhoIs) -> list[str]:
    person = who.person
    if person is None:
        return ["person     not known here; a directory knows the name"]
    state = f"disabled by {person.disabled_by or 'an administrator'}" if person.is_disabled else "may come in"
    local = "with a password here" if person.has_credential else "without a password here"
    name = f"{_plain(person.display_name)} <{person.email or 'no address'}>"
    return [f"person     {person.id}  {name}", f"state      {state}, {local}"]


def _in_directory(each: InDirectory) -> str:
    if each.problem:
        return f"{each.directory}  could not be asked: {_plain(each.problem)}"
    if each.user is None:
        return f"{each.directory}  nobody of this name"
    state = "disabled" if each.user.is_disabled else "enabled"
    return f"{each.directory}  {_plain(each.user.dn)}  {state}  {_plain(each.user.email)}"


def _role(reason: RoleReason) -> str:
    place = f" in {_plain(reason.project)}" if reason.project else ""
    return f"{reason.role}{place}  {_plain(reason.by)}{_if(not reason.counts, 'gives nothing: disabled there')}"


def _if(holds: bool, words: str) -> str:  # noqa: FBT001 - read aloud it is a sentence
    return f"  ({words})" if holds else ""


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _plain(text: str) -> str:
    """What a directory says, fit for a terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
