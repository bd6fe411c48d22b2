#!/usr/bin/env python
"""Django's command line for SafeResponse."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    if sys.argv[1:2] == ["demo"]:
        # The demo makes its own secrets, and settings read them: before Django starts.
        from deploy.demo import arguments, prepare_environment

        prepare_environment(arguments(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
