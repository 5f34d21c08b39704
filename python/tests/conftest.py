import sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "python"), *(str(root / "test" / part) for part in ("fixtures", "cli"))]
sys.path.insert(0, str(Path(__file__).parent))
