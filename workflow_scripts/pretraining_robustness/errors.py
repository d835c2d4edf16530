"""The one exception that means: the user's input is wrong, and here is what to do."""


class InputError(Exception):
    """Something the user gave cannot be used.

    The message is one line that names the file or the config key, what is wrong with it and what to do about it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
