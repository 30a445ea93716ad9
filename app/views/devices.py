"""What a browser says about itself, in two or three words: "Firefox on Windows".

The words help a person to recognise his own devices. They are what the browser claims, so nothing is decided by them.
"""

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""By what each is known; those that call themselves by the names of others, too, come first."""

_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def is_phone(user_agent: str) -> bool:
    """Tell whether it says that it is on a phone."""
    return "Mobi" in user_agent


def device_words(user_agent: str) -> str:
    """Return what to call it; nothing of the text itself is shown."""
    if not user_agent:
        return "Unknown program"
    if not user_agent.startswith(("Mozilla/", "Opera/")):
        return "Another program"
    browser, system = _named(_BROWSERS, user_agent), _named(_SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or ("Phone browser" if is_phone(user_agent) else "Desktop browser")


def _named(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
