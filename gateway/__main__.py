"""`python -m gateway`: the command `einmal`."""

from gateway.cli import main

if __name__ == "__main__":
    main()
