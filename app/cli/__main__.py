"""`python -m app.cli` is `assent`."""

from app.cli import main

if __name__ == "__main__":
    main()
