"""What a failed conversion's output says, in a few lines."""

import re

# The converter prints whole graphs, in lines of many thousand characters; these lines say what is wrong.
_TELLING = re.compile(r"error: |^\S*(Error|Exception|Interrupt)\b|^(TF Select|Custom) ops: |^Fatal ")
_MOST_LINES = 8
_WIDEST_LINE = 300


def gist(output: str, mark: str) -> str:
    """The lines that say what is wrong, or the last ones where none does: at most 8 of 300 characters.

    Args:
        output: what the process wrote to stderr.
        mark: starts a line that names a step; what stands before the last such line is left out.
    """
    before, found, after = output.rpartition(mark)
    lines = [line.rstrip()[:_WIDEST_LINE] for line in (after if found else before + after).splitlines()]
    written = list(dict.fromkeys(line for line in lines if line.strip()))
    step = [mark + written.pop(0)] if found and written else []
    telling = [line for line in written if _TELLING.search(line)]
    return "\n".join([*step, *(telling[:_MOST_LINES] or written[-_MOST_LINES:])])
