"""The one exception of the engine, as Python sees it."""


class Error(Exception):
    """What failed (`what`), where (`where`), what to do about it (`remedy`), and who has to (`fault`).

    `str(error)` is the line that the command prints. `fault` is usage, input, model, too_large, storage, cancelled or
    internal.
    """

    def __init__(
        self,
        what: str,
        where: str = "",
        remedy: str = "",
        fault: str = "usage",
        line: str | None = None,
    ) -> None:
        super().__init__(line or _line(what, where, remedy))
        self.what = what
        self.where = where
        self.remedy = remedy
        self.fault = fault

    def __reduce__(self):
        return Error, (self.what, self.where, self.remedy, self.fault, str(self))


def _line(what, where, remedy):
    return what + (f" ({where})" if where else "") + (f": {remedy}" if remedy else "")
