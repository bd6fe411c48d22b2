"""The LTI 1.3 tool: every message from a VLE and every request to one. A map of its modules.

*Coming in*: views → login_state, cookies, pylti, claims, platform_keys → launching → handover;
refused: rejections.

*Connecting*: registration_views → invitations → dynamic_registration | manual_registration → registration;
what we say of ourselves: tool_configuration; refused: refusals; look-up: registrations.

*Services*: http → pylti.Connector → gradebook → line_items, ags | nrps → memberships ← rosters (queues, tasks);
links (paging).

*A school's own details*: local_details; chased: local_reminders.

*Choosing content*: deep_linking. *Each VLE's difference*: platform_quirks. *Our keys*: keys.

*Operating*: tallies → connections → admin, connection_forms; self_test; words: troubles, cures.

*Doors*: doors, middleware.
"""
