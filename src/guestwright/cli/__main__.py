"""`python -m guestwright.cli`."""

from guestwright.cli.main import main

if __name__ == "__main__":
    main()
