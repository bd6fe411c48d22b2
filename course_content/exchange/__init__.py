"""Questions in the formats that VLEs' question banks take: Moodle XML and GIFT.

Both know fewer kinds than we do. What goes out is the nearest kind that marks alike, and comes back as ours:

    single, multiple     multiple choice
    spotting             multiple choice, the dialogue in the question
    reasoned             multiple choice of verdict and reason; the right verdict alone earns a half
    ordering             matching with places 1, 2, 3 …
    sorting, matching    matching

What comes in and has no kind of ours is told, question by question; everything else is taken.
"""
