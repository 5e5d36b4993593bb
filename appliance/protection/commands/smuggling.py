"""Options of ordinary programs whose values are commands that the program would run."""

from collections.abc import Mapping
from typing import Final

from appliance.protection.commands.call import Call
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.options import split_options

_EDITORS: Final = ("vi", "vim", "nvim", "view", "ex", "gvim", "vimdiff")
_COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "split": ("--filter",), "sort": ("--compress-program",), "man": ("-P", "--pager", "-H"), "scp": ("-S",),
    "sftp": ("-S",), "wget": ("--use-askpass",), "zip": ("-TT", "--unzip-command"), "gdb": ("-ex", "-eval-command"),
    "lldb": ("-o",), "tcpdump": ("-z",), "dpkg": ("--pre-invoke", "--post-invoke"), "openvpn": ("--up", "--down"),
    "entr": ("-s",), "nodemon": ("--exec", "-x"), "watchexec": (), "concurrently": (), "mutt": ("-e",),
    "bat": ("--pager",),
    **dict.fromkeys(_EDITORS, ("-c", "--cmd")),
}  # fmt: skip
_SHELL_MARKS: Final = (":!", "!", "shell ", "pipe ", ":silent !", "silent !", ":r!", "r!", "python ", "platform shell ")


def judge_smuggled(call: Call) -> None:
    """Judge the commands in the options of a program."""
    names = _COMMANDS.get(call.program)
    if names is None:
        return
    values = split_options(call.args, names).values(*names) if names else []
    if call.program in _EDITORS:
        values += [word._replace(text=word.text[1:]) for word in call.args if word.text[:1] == "+"]
    for value in values:
        text = value.text.strip()
        mark = next((each for each in _SHELL_MARKS if text.startswith(each)), "")
        if (call.program in _EDITORS or call.program in {"gdb", "lldb"}) and not mark:
            continue
        if not value.is_known:
            call.unclear()
        call.note(Effect.RUNS_CODE, f"{call.program} would run a command that an option names.")
        call.run_text(text[len(mark) :])
        call.ran = False
    if call.program in {"concurrently", "entr", "nodemon", "watchexec"}:
        for word in call.args:
            if " " in word.text and word.text[:1] != "-":
                call.run_text(word.text)
                call.ran = False
