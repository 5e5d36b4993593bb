"""The store denies everything while it has no policies that it may trust."""

from datetime import UTC, datetime

from appliance.actions.records import Action, Facts, Kind, Moment, Outcome
from appliance.policy.records import PublishedPolicy, Subject
from appliance.policy.store import PolicyStore

ACTION = Action(agent="claude", event="PreToolUse", moment=Moment.BEFORE_TOOL, kind=Kind.SHELL)
PERMIT = '@id("base") permit (principal, action, resource);'


class Source:
    """Where the store reads, in the test's hand."""

    def __init__(self) -> None:
        self.published: PublishedPolicy | None = None
        self.error: Exception | None = None

    async def __call__(self) -> PublishedPolicy | None:
        if self.error is not None:
            raise self.error
        return self.published

    def publish(self, version: int, text: str) -> None:
        self.published = PublishedPolicy(
            version=version,
            text=text,
            note="",
            author="ada",
            published_at=datetime(2026, 3, 1, tzinfo=UTC),
            digest="",
        )


def judge(store: PolicyStore) -> tuple[Outcome, int, str]:
    verdict = store.evaluate(ACTION, Facts(), (), Subject())
    return verdict.outcome, verdict.policy_version, verdict.reason


async def test_before_anything_is_loaded_everything_is_denied() -> None:
    """A new store denies, and says why."""
    store = PolicyStore(Source())
    assert judge(store) == (Outcome.DENY, 0, "Denied because the policies were not loaded yet.")
    await store.reload()
    assert judge(store)[2] == "Denied because no policy was ever published."


async def test_a_reload_brings_the_new_version() -> None:
    """What was published decides after the reload; the same version is kept as it is."""
    source = Source()
    store = PolicyStore(source)
    source.publish(1, PERMIT)
    await store.reload()
    compiled = store.compiled
    await store.reload()
    assert store.compiled is compiled
    assert judge(store)[:2] == (Outcome.ALLOW, 1)
    source.publish(2, '@id("none") forbid (principal, action, resource);')
    await store.reload()
    assert judge(store)[:2] == (Outcome.DENY, 2)
    assert store.version == 2


async def test_a_version_that_cannot_be_loaded_denies_until_one_can() -> None:
    """Neither a broken text nor a broken database leaves the old version deciding."""
    source = Source()
    store = PolicyStore(source)
    source.publish(1, PERMIT)
    await store.reload()
    source.publish(2, "nonsense")
    await store.reload()
    assert judge(store) == (
        Outcome.DENY,
        0,
        "Denied because the active policy could not be loaded (policy_invalid).",
    )
    source.publish(3, PERMIT)
    source.error = OSError("gone")
    await store.reload()
    assert "OSError" in store.problem
    source.error = None
    await store.reload()
    assert judge(store)[:2] == (Outcome.ALLOW, 3)
    assert store.problem == ""
