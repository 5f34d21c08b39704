# Made by tools/make_stubs.py; do not edit.
from collections.abc import Sequence
from collections.abc import Callable

from pellucid import captum as captum
from pellucid import export as export
from pellucid import grad_cam as grad_cam
from pellucid.answers import Answer
from pellucid.errors import Error as Error
from pellucid.model import Model as Model
from pellucid.model import load as load
from pellucid.python_methods import Attribution as Attribution
from pellucid.python_methods import Check as Check
from pellucid.python_methods import Option as Option
from pellucid.python_methods import forget as forget
from pellucid.python_methods import method as method

__version__: str
_Progress = Callable[[str, int, int], object]

def doctor(
    *,
    format: str | int | Sequence[str | int] = [],
    progress: _Progress | None = None,
) -> Answer:
    """Examines this installation: versions, processor, memory, fonts, a self-test; says how to mend what is wrong."""
def formats(
    *,
    format: str | int | Sequence[str | int] = [],
    progress: _Progress | None = None,
) -> Answer:
    """Lists the model files that can be read and the files that answers are written as."""
def methods(
    name: object | None = None,
    *,
    format: str | int | Sequence[str | int] = [],
    progress: _Progress | None = None,
) -> Answer:
    """Lists the explanation methods: what they need, promise and cite, and their options."""
