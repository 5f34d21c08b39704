"""The parts of `pellucid.export`, one question each."""


class ExportError(Exception):
    """What could not be exported, and what to do about it."""
