"""The part of a text that differs, marked for the eye."""

from markupsafe import Markup, escape


def marked_difference(received: str, closest: str) -> Markup:
    """Return the received text with the part that differs from the closest known one in `<mark>`."""
    if not closest or received == closest:
        return escape(received)
    shared = min(len(received), len(closest))
    start = next((i for i in range(shared) if received[i] != closest[i]), shared)
    rest = shared - start
    end = next((i for i in range(rest) if received[-1 - i] != closest[-1 - i]), rest)
    stop = len(received) - end
    return Markup("{}<mark>{}</mark>{}").format(received[:start], received[start:stop], received[stop:])
