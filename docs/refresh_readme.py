"""Write the README's tables anew from the catalogues: python docs/refresh_readme.py."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def refreshed(text: str) -> str:
    """Return the README's text with what stands between its markers replaced by the catalogues' tables."""
    for what in ("estimators", "problems"):
        command = [sys.executable, "-m", "varbench", "list", what, "--markdown"]
        table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        start, end = f"<!-- {what}: generated -->\n", f"<!-- end of {what} -->"
        text, count = re.subn(f"(?s)({start}).*?({end})", lambda m, t=table: m[1] + t + m[2], text)
        if count != 1:
            sys.exit(f"{README.name}: its markers for {what} stand {count} times; they must stand once")
    return text


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text(encoding="utf-8")), encoding="utf-8")
