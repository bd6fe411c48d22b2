"""VLEs to try the tool against, and the whole ways through the tool at each of them.

The fake platform: `fake` is the VLE; a test says there what happens in it. `profiles` holds how each make of VLE
differs, every difference with its source, and the `test_fake_…` files prove that the fake has it, for a bare tool
of their own (`tool_side`). Behind it:
- `server` the web server and its faults, `signing` the keys, `terms` the specifications' words, `people` the course
- `signing_in`, `messages`, `tokens` from the login to the signed message, and the token for a service
- `registration`, `deep_linking`, `ags`, `nrps`, `paging` the services

The people: `browser` is somebody's browser on a course page, `forms` what it reads of a page; `admin` connects the
VLE; `acts` is what authors, learners and the worker do then.

The tool: `test_launches` and `test_journeys`, on every profile; `test_lti1p3platform` and `test_open_edx` at
platforms that others wrote (`open_edx` is run by another Python, in a process of its own).
"""
