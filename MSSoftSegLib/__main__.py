"""``python -m MSSoftSegLib``: the same as the command ``mssoftseg``."""

from MSSoftSegLib.cli.main import main

if __name__ == "__main__":
    main()
