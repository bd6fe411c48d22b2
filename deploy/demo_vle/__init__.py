"""Riverside School VLE: a small, honest LTI 1.3 platform to click through the tool with.

It runs as its own process on its own port and its own database, and knows the tool only by its
address: nothing of the tool is imported here, and only HTTP passes between the two.

    python -m deploy.demo_vle --port 8001 --data DIR --tool-url http://127.0.0.1:8000
"""
