"""``python -m exporter`` is the console script ``booking-sync-exporter``."""

from exporter.cli import main

if __name__ == "__main__":
    main()
