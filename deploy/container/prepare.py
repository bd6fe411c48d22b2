"""What runs once before a new version starts: migrations, and the first signing key if there is none.

Safe to run again. Without a key /readyz says no, and no platform could be registered through a load balancer.
"""

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False)

    from lti_tool import keys

    keys.ensure_key()


if __name__ == "__main__":
    main()
