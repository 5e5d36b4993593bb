"""The pure rules under the walk: text, options, paths, deletions, credentials, hosts, SQL."""

import pytest

from appliance.protection.commands.credentials import is_credential
from appliance.protection.commands.deletion import judge_deletion
from appliance.protection.commands.environment import is_secret_name
from appliance.protection.commands.fragments import MOST_FRAGMENTS, fragments_of
from appliance.protection.commands.heredocs import MARK, Heredoc, separate
from appliance.protection.commands.hosts import host_of, is_local, is_metadata, remote_of
from appliance.protection.commands.options import split_options
from appliance.protection.commands.paths import in_home, may_match, resolve
from appliance.protection.commands.production import is_production
from appliance.protection.commands.sql import bulk_write
from appliance.protection.commands.text import ansi_c, expand_braces
from appliance.protection.commands.words import Word


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("plain", "plain"),
        ("a\\tb\\n", "a\tb\n"),
        ("\\x72\\155\\u006d", "rmm"),
        ("\\x", "\\x"),
        ("\\U00110000", "\\U"),
        ("\\cA\\e", "\x01\x1b"),
        ("\\q\\", "\\q\\"),
        ("\\'\\\"\\\\", "'\"\\"),
        ("\\8", "\\8"),
    ],
)
def test_ansi_c_escapes(written: str, text: str) -> None:
    """Decoded as bash does; what is no escape stays."""
    assert ansi_c(written) == text


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("a", ["a"]),
        ("{a,b}", ["a", "b"]),
        ("x{a,b}y{1..3}", ["xay1", "xay2", "xay3", "xby1", "xby2", "xby3"]),
        ("{a,{b,c}}", ["a", "b", "c"]),
        ("{3..1}", ["3", "2", "1"]),
        ("{1..9..4}", ["1", "5", "9"]),
        ("{a..c}", ["a", "b", "c"]),
        ("{,x}", ["", "x"]),
        ("{a}", ["{a}"]),
        ("{a,b", ["{a,b"]),
        ("{}", ["{}"]),
        ("{1..99999999}", None),
        ("{a,b}" * 8, None),
    ],
)
def test_braces(written: str, words: list[str] | None) -> None:
    """Expanded in order; too many are none."""
    assert expand_braces(written) == words


def test_options_are_split_as_getopt_long_does() -> None:
    """Clusters, attached values, prefixes of long names, the end of options."""
    words = [Word(text) for text in ("-rf", "-ofile", "--output=x", "--recurs", "a", "--", "-b")]
    options = split_options(words, {"-o", "--output"})
    assert [name for name, _ in options.given] == ["-r", "-f", "-o", "--output", "--recurs"]
    assert [word.text for word in options.values("-o", "--output")] == ["file", "x"]
    assert options.has("--recursive")
    assert not options.has("-b")
    assert [word.text for word in options.rest] == ["a", "-b"]
    assert split_options([Word("a"), Word("-x")], is_posix=True).rest == [Word("a"), Word("-x")]
    assert split_options([Word("-o")], {"-o"}).given == [("-o", None)]


@pytest.mark.parametrize(
    ("path", "directory", "resolved"),
    [
        ("a/../b", "/p", "/p/b"),
        ("/a//b/./c/", "/p", "/a/b/c"),
        ("//a", "/p", "/a"),
        ("../..", "/p/q/r", "/p"),
        ("../../../..", "/p", "/"),
        ("~/a/../b", "/p", "~/b"),
        ("~/..", "/p", "/home"),
        ("~/../..", "/p", "/"),
        ("~", "/p", "~"),
        ("a", "~/x", "~/x/a"),
        ("a", "", "a"),
        ("", "/p", ""),
        ("C:\\x\\..\\y", "/p", "C:/y"),
        ("y", "C:/x", "C:/x/y"),
        ("/proc/7/root/etc/x", "/", "/etc/x"),
        ("/proc/self/status", "/", "/proc/self/status"),
        ("/private/tmp/x", "/", "/tmp/x"),  # noqa: S108 - compared only
    ],
)
def test_paths_are_resolved(path: str, directory: str, resolved: str) -> None:
    """By their text alone."""
    assert resolve(path, directory) == resolved


def test_home_folders_are_written_with_a_tilde() -> None:
    """Whoever's home it is."""
    assert in_home("/home/ada/.ssh/x") == "~/.ssh/x"
    assert in_home("/Users/ada") == "~"
    assert in_home("/root/x") == "~/x"
    assert in_home("C:/Users/ada/x") == "~/x"
    assert in_home("/home") == "/home"
    assert in_home("/rooted") == "/rooted"


def test_patterns_may_mean_a_place() -> None:
    """A pattern of the line and a place meet where one can stand for the other."""
    assert may_match("~/.s?h/id_*", "~/.ssh/id_rsa")
    assert may_match("~/.ssh/id_rsa", "~/.ssh/id_rsa")
    assert not may_match("~/.s?h/id_*", "~/.aws/credentials")


@pytest.mark.parametrize(
    ("path", "recursive", "effect"),
    [
        ("/", True, "deletes_root"),
        ("/", False, "destructive"),
        ("/*", True, "deletes_root"),
        ("/usr/local", True, "deletes_root"),
        ("/home/bob", True, "deletes_root"),
        ("/home/*", True, "deletes_root"),
        ("/h*", True, "deletes_root"),
        ("~/Documents", True, "deletes_root"),
        ("C:/Windows", True, "deletes_root"),
        ("/srv/customers", True, "destructive"),
        ("/etc/x", False, "destructive"),
        ("/tmp/x", True, ""),  # noqa: S108 - compared only
        ("/tmp/*", True, "destructive"),  # noqa: S108 - compared only
        ("/var/tmp/x/y", True, ""),  # noqa: S108 - compared only
        ("~/.cache/x", True, ""),
        ("/p/shop", True, "destructive"),
        ("/p/shop/*", False, "destructive"),
        ("/p/shop/src", True, "destructive"),
        ("/p/shop/src/a.py", False, ""),
        ("/p/shop/node_modules", True, ""),
        ("/p/shop/a/b/dist/x", True, ""),
        ("/p/shop/x.egg-info", True, ""),
        ("/p/shop/.git", True, "destructive"),
        ("/p/shop/.git/index.lock", False, ""),
        ("/p", True, "destructive"),
        ("src", True, "destructive"),
        ("../x", False, "destructive"),
        ("x", False, ""),
    ],
)
def test_deletions_are_judged_by_place(path: str, recursive: bool, effect: str) -> None:  # noqa: FBT001 - a table's column
    """Roots, other people's places, the project, what is made again."""
    judged = judge_deletion(path, "/p/shop", is_recursive=recursive)
    assert (judged[0] if judged else "") == effect


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/ada/.ssh/id_rsa", True),
        ("~/.ssh/id_rsa.pub", False),
        ("~/.ssh/known_hosts", False),
        ("~/.sshx/id", False),
        ("/x/.env", True),
        ("/x/.env.local", True),
        ("/x/.env.example", False),
        ("/x/environment.py", False),
        ("/x/tls/server.key", True),
        ("/x/keys.py", False),
        ("/run/secrets/db", True),
        ("/etc/shadow", True),
        ("/etc/passwd", False),
        ("~/Library/Keychains/login.keychain-db", True),
        ("~/.config/google-chrome/Default/Cookies", True),
    ],
)
def test_credential_files_are_known_by_place_and_name(path: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """And their harmless neighbours too."""
    assert is_credential(path) is expected


def test_reading_a_folder_reads_the_credentials_in_it() -> None:
    """Archives and recursive searches of a home take the keys along."""
    assert is_credential("~", is_recursive=True)
    assert is_credential("/home/ada", is_recursive=True)
    assert is_credential("~/.aws", is_recursive=True)
    assert not is_credential("/srv/x", is_recursive=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AWS_SECRET_ACCESS_KEY", True),
        ("GITHUB_TOKEN", True),
        ("DB_PASSWORD", True),
        ("API_KEY", True),
        ("apikey", True),
        ("PATH", False),
        ("PWD", False),
        ("KEY", False),
        ("MONKEY", False),
        ("TOKENIZERS_PARALLELISM", False),
    ],
)
def test_names_of_secret_variables(name: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """By the words they are made of."""
    assert is_secret_name(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prod", True),
        ("production", True),
        ("eu-prod-1", True),
        ("prod2", True),
        ("shop_PRD", True),
        ("db.prod.example.com", True),
        ("shopprod", True),
        ("product", False),
        ("products", False),
        ("non-prod", False),
        ("preprod", False),
        ("reproduce", False),
        ("staging", False),
    ],
)
def test_names_of_production(name: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """As people write them."""
    assert is_production(name) is expected


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.example/b", "a.example"),
        ("http://u:p@a.example:80?x@y", "a.example"),
        ("a.example:80/b", "a.example"),
        ("http://[fe80::1]/x", "fe80::1"),
        ("file:///etc/passwd", ""),
        ("https://a.example.", "a.example"),
        ("", ""),
    ],
)
def test_hosts_of_addresses(url: str, host: str) -> None:
    """User, port, path and query are no part of it."""
    assert host_of(url) == host


def test_hosts_have_meanings() -> None:
    """This machine, the cloud's metadata, remote file names and local ones."""
    assert is_local("127.0.0.2")
    assert not is_local("127.example.com.evil.example")
    assert is_metadata("169.254.169.254")
    assert remote_of("ada@x.example:/a") == ("x.example", "/a")
    assert remote_of("rsync://x.example/a") == ("x.example", "a")
    assert remote_of("./a:b") is None
    assert remote_of("C:/x") is None


@pytest.mark.parametrize(
    ("sql", "is_bulk"),
    [
        ("select 1", False),
        ("DROP TABLE t", True),
        ("select 'drop table t'", False),
        ("-- drop table t\nselect 1", False),
        ("/* drop table t */ select 1", False),
        ("/*!50000 drop table t */", True),
        ("select 1; truncate t", True),
        ("delete from t", True),
        ("delete from t where id = 1", False),
        ("with x as (select 1) delete from t", True),
        ("update t set a = 1", True),
        ("update t set a = 1 where b = 2", False),
        ("create temp table x (a int)", False),
        ("alter table t drop column c", True),
        ("do $$ begin drop table t; end $$", True),
        ("insert into t values (1)", False),
        ('select "drop"', False),
        ("drop temporary table t", False),
        ("", False),
        ("'unterminated", False),
    ],
)
def test_bulk_statements(sql: str, is_bulk: bool) -> None:  # noqa: FBT001 - a table's column
    """Comments and strings are no statements; what MySQL runs in comments is."""
    assert (bulk_write(sql) is not None) is is_bulk


@pytest.mark.parametrize(
    ("text", "rest", "heredocs"),
    [
        ("a <<E\nx\nE\nb", f"a < {MARK}0 \nb", [Heredoc("x\n", is_literal=False)]),
        ("a <<'E' | b\nx\nE", f"a < {MARK}0  | b\n", [Heredoc("x\n", is_literal=True)]),
        ("a <<-E\n\tx\n\tE\n", f"a < {MARK}0 \n", [Heredoc("x\n", is_literal=False)]),
        (
            "a <<A <<B\n1\nA\n2\nB\n",
            f"a < {MARK}0  < {MARK}1 \n",
            [Heredoc("1\n", is_literal=False), Heredoc("2\n", is_literal=False)],
        ),
        ('x "$(a <<E\ny\nE\n)"', f'x "$(a < {MARK}0 \n)"', [Heredoc("y\n", is_literal=False)]),
        ("a \\\n b", "a  b", []),
        ("# a \\\nb", "# a \\\nb", []),
        ("'a \\\n b'", "'a \\\n b'", []),
        ("a <<< b", "a <<< b", []),
        ("echo '<<E'\nb", "echo '<<E'\nb", []),
    ],
)
def test_here_documents_are_taken_out(text: str, rest: str, heredocs: list[Heredoc]) -> None:
    """Each becomes a redirection from a marked name; continued lines are joined."""
    separated = separate(text)
    assert separated is not None
    assert (separated.text, separated.heredocs) == (rest, heredocs)


@pytest.mark.parametrize(
    "text",
    [
        "a <<E\nx",
        "a <<$X\nx\n",
        "case x in a) b <<E\nE\n;; esac",
        "$((1<<2))",
        "`a \\` <<E`",
        "x=${a:-'<<E'}\nE",
        "a <<E 'b\nc'\nE\n",
    ],
)
def test_where_quoting_is_uncertain_nothing_is_taken_out(text: str) -> None:
    """A line wrongly taken for a body would be a command that nobody judges."""
    assert separate(text) is None


def test_fragments_are_cut_outside_quotes() -> None:
    """At most so many."""
    assert fragments_of("a; b 'c; d' && (e \"f|g\")\nh\\;i") == ["a", "b 'c; d'", 'e "f|g"', "h\\;i"]
    assert len(fragments_of("a;" * 1000)) == MOST_FRAGMENTS
