"""What is taught, and the pages that teach it. A map of its modules.

*A pack on disk*: sources (YAML, Markdown, lines) → variants (nation, audience, language; terms, selectors) and
translations → packs (a folder, read once) → making (a form for one variant, and every problem) → catalogue.
What files there are: pack_files; problems in words: pack_problems, slips. Shapes: parts, questions, stories,
assessments, schema. Rules: pack_rules, question_rules, scenario_rules, assessment_rules, reading_age, hosts.

*Pure*: scenarios (a walk), exploration (every walk), marking (draw, mark), journey (what comes next), markdown.

*On record, for a page*: walks, exercises, commitments, standing, reviews, submissions, guidance.

*A school's own details and duties*: local, local_places, local_rules, local_forms.

*From a VLE*: arrivals → placement (which activity a link teaches), picker (choosing).

*The edge*: access, forms, answer_forms, step_forms, views, urls; refused: refusals.

*For authors*: previews → preview_pages (graph, layout, comparison), content_schema, exchange (Moodle XML, GIFT).
"""
