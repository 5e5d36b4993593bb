"""What the grammar's nodes are, and where it reads a text otherwise than a shell."""

import re
from typing import Final

from tree_sitter import Node

REDIRECTS: Final = frozenset(["file_redirect", "heredoc_redirect", "herestring_redirect"])
NO_STATEMENT: Final = frozenset(["comment", "heredoc_body", "heredoc_end", "heredoc_start"])
# Nodes that run nothing but the substitutions in them.
EXPRESSIONS: Final = frozenset([
    "word", "string", "raw_string", "ansi_c_string", "translated_string", "concatenation", "number", "simple_expansion",
    "expansion", "variable_name", "special_variable_name", "arithmetic_expansion", "binary_expression",
    "unary_expression",
    "postfix_expression", "ternary_expression", "parenthesized_expression", "subscript", "array", "regex",
    "extglob_pattern", "brace_expression", "test_operator", "command_substitution", "process_substitution",
    "file_descriptor", "file_redirect", "herestring_redirect",
])  # fmt: skip
_SUBSTITUTIONS: Final = frozenset(["command_substitution", "process_substitution"])
_BARE: Final = frozenset(["word", "regex", "extglob_pattern", "test_operator"])
_SEPARATOR: Final = re.compile(rb"(?<!\\)[\s;&|<>()]")


def is_overgrown(node: Node, source: bytes) -> bool:
    """Tell whether a word holds what would end it in a shell: the grammar read too far."""
    if node.type == "concatenation":
        return any(is_overgrown(child, source) for child in node.children)
    if node.type not in _BARE:
        return False
    return _SEPARATOR.search(source, node.start_byte, node.end_byte) is not None


def last_command(node: Node) -> Node | None:
    """Give the last simple command of a pipeline or list; None if something else stands there."""
    while node.type in {"pipeline", "list", "negated_command"}:
        node = node.children[-1]
    return node if node.type == "command" else None


def is_overlong_test(node: Node, source: bytes) -> bool:
    """Tell whether a test holds what a shell would take for its end, or for another command."""
    ends = (b"]]",) if node.children[0].type == "[[" else (b"]", b"&&", b"||", b";", b"|", b"&", b"<", b">", b"\n")
    waiting = list(node.children[1:-1])
    end = node.children[0].end_byte
    if node.children[0].type == "[" and b"\n" in source[end : node.end_byte]:
        return True
    while waiting:
        current = waiting.pop()
        if current.type in {"command_substitution", "process_substitution", "string", "raw_string"}:
            continue
        if source[current.start_byte : current.end_byte] in ends:
            return True
        waiting.extend(current.children)
    return False


def substitutions(node: Node) -> list[Node]:
    """Give the substitutions inside a node, outermost ones only."""
    found: list[Node] = []
    waiting = list(reversed(node.children))
    while waiting:
        current = waiting.pop()
        if current.type in _SUBSTITUTIONS:
            found.append(current)
        else:
            waiting.extend(reversed(current.children))
    return found
