"""The compiled policies of this process: what decides, and what happens while nothing can."""

from collections.abc import Awaitable, Callable

import structlog

from appliance.actions.records import Action, Facts, Finding, Outcome, Verdict
from appliance.errors import LeashError
from appliance.policy.compilation import CompiledPolicies
from appliance.policy.evaluation import evaluate
from appliance.policy.queries import active_version
from appliance.policy.records import PublishedPolicy, Subject
from appliance.policy.validation import compile_policies

Source = Callable[[], Awaitable[PublishedPolicy | None]]

_log = structlog.get_logger("policy")


class PolicyStore:
    """Holds the active version, compiled; denies everything while it could not be loaded.

    Call `reload` at start, for every notification on POLICY_CHANNEL, and after that connection was lost.
    """

    def __init__(self, source: Source = active_version) -> None:
        self._source = source
        self._compiled: CompiledPolicies | None = None
        self._problem = "the policies were not loaded yet"

    @property
    def compiled(self) -> CompiledPolicies | None:
        """The policies that decide, or None while everything is denied."""
        return self._compiled

    @property
    def version(self) -> int:
        """Number of the version that decides, 0 while everything is denied."""
        return self._compiled.version if self._compiled else 0

    @property
    def problem(self) -> str:
        """Why everything is denied; empty while policies are loaded."""
        return "" if self._compiled else self._problem

    async def reload(self) -> None:
        """Load the active version if it is not the one that is held; deny everything if that fails."""
        try:
            published = await self._source()
            if published is None:
                self._fail("no policy was ever published")
            elif self._compiled is None or self._compiled.version != published.version:
                self._compiled = compile_policies(published.text, published.version)
                _log.info("policy.loaded", version=published.version, policies=len(self._compiled.policies))
        except LeashError as error:
            self._fail(f"the active policy could not be loaded ({error.code})")
        except Exception as error:  # noqa: BLE001 - whatever happens here must deny, not leave an old version deciding
            self._fail(f"the active policy could not be loaded ({type(error).__name__})")

    def evaluate(self, action: Action, facts: Facts, findings: tuple[Finding, ...], subject: Subject) -> Verdict:
        """Judge an action by the active version; see `evaluation.evaluate`."""
        if self._compiled is None:
            reason = f"Denied because {self._problem}."
            return Verdict(outcome=Outcome.DENY, policy_version=0, policies=(), reason=reason)
        return evaluate(self._compiled, action, facts, findings, subject)

    def _fail(self, problem: str) -> None:
        self._compiled, self._problem = None, problem
        _log.error("policy.unavailable", problem=problem)
