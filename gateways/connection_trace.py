"""Says whether a request went out on a connection that was opened for an earlier one."""


class ConnectionTrace:
    """Traces one request: whether a connection was opened for it. The value of the extension ``trace``."""

    def __init__(self) -> None:
        self._made = False
        self._used = False

    async def __call__(self, event: str, _: object) -> None:
        self._made |= event.startswith("connection.connect_")
        self._used |= event.startswith("http11.send_request_headers.")

    @property
    def reused(self) -> bool:
        """Whether the request was sent on a connection that was opened for an earlier one."""
        return self._used and not self._made
