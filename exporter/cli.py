"""Commands and flags; no logic of its own."""


def main() -> None:
    raise SystemExit("not built yet")
