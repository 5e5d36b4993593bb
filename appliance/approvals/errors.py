"""Why an answer is refused."""

from appliance.errors import LeashError


class ApprovalError(LeashError):
    """Any refusal of an answer to an ask."""

    code = "approval_error"
    summary = "The answer was not accepted"


class AskUnknownError(ApprovalError):
    """There is no such ask."""

    code = "ask_unknown"
    summary = "There is no such ask"
    next_step = "Open the list of approvals again; it shows what is still waiting."


class AskClosedError(ApprovalError):
    """The ask already has an outcome, and the answer does not match it."""

    code = "ask_closed"
    summary = "This ask already has an answer"
    next_step = "The first answer stands. If the agent asks again, a new ask appears."


class AskExpiredError(ApprovalError):
    """The answer came after the ask's expiry."""

    code = "ask_expired"
    summary = "This ask has expired and was denied"
    next_step = "If the agent asks again, a new ask appears."


class SelfApprovalError(ApprovalError):
    """The policy wants another person than the one whose agent asks."""

    code = "self_approval_refused"
    summary = "The policy does not let you answer your own agent's ask"
    next_step = "Ask another approver to answer it."


class NotAnAnswererError(ApprovalError):
    """The person holds none of the roles that the policy names."""

    code = "answerer_not_allowed"
    summary = "The policy names other people for this ask"
    next_step = "Somebody with one of the named roles can answer it."


class ProofMissingError(ApprovalError):
    """The policy wants whoever allows to have proved a moment ago who they are."""

    code = "answer_proof_missing"
    summary = "The policy wants a proof of who you are before this is allowed"
    next_step = "Open the ask in a browser, and prove it there by passkey, code, provider or password."


class NumberMissingError(ApprovalError):
    """The policy wants whoever allows to type the number that the requester sees, and none was given."""

    code = "answer_number_missing"
    summary = "The policy wants the number that the requester sees before this is allowed"
    next_step = "Ask the person whose agent asks for the number, open the ask in a browser, and type it there."


class NumberWrongError(ApprovalError):
    """The number is not the one that the requester sees; that denies the ask."""

    code = "answer_number_wrong"
    summary = "This is not the number that the requester sees, so the ask was denied"
    next_step = "If the agent asks again, a new ask with a new number appears; ask its person for that number."


class BindingMismatchError(ApprovalError):
    """The answer was given to another payload than the one that waits."""

    code = "binding_mismatch"
    summary = "The answer belongs to another action than the one that waits"
    next_step = "Open the ask again and read it before you answer."


class ResponseRefusedError(ApprovalError):
    """The content of an answer does not fit what the agent asks."""

    code = "response_refused"
    summary = "These are not answers to what the agent asks"
    next_step = "Open the ask again and answer its questions."
