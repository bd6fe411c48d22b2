"""Nothing that the real pack advises goes against what staff must never do (content-facts §2).

Two looks. What somebody is to choose or do (good choices, right answers, cards in their piles, `do` call-outs)
may name what is never done only if it is denied before, in the same sentence. And where the course speaks for
itself (lessons, reasons, feedback, debriefs), no sentence may order it or allow it. A hit that is none after
all stands in a list by its place, with the reason; the patterns are not made weaker for it.
"""

import re
from collections.abc import Iterator, Mapping

import pytest

from course_content.scenarios import position
from course_content.schema import Lesson, Scenario
from tests.course_content import responding
from tests.course_content.responding import Said

THING = (
    r"(it|them|(the|an|any|a|her|his|their|that|this|every|each)\ (\w+\ )?"
    r"(image|picture|photo|copy|copies|link|file|message|screenshot|video|chat)s?)"
)
DEVICE = r"(the|a|her|his|their|every|each|any)\ (\w+\ )?(phone|tablet|device|gallery|folder|photo)s?"

# What staff must never do or say, as it might be worded.
NEVER = re.compile(
    rf"""\b(
      # view
        look(ed)?\ at | look(s|ing)\ at\ {THING} | look(s|ed|ing)?\ (quickly|(through|inside|on)\ ({DEVICE}|it))
      | (have|take|took|had)\ a\ look | glanc(e|es|ed|ing) | peek | show\ (me|you|us) | let\ me\ see
      | see\ {THING} | ask(s|ed|ing)?\ to\ see | open(s|ed|ing)?\ {THING} | view(s|ed|ing)?\ {THING}
      | scroll\w* | zoom\w* | (check|search|go\ through)(e?s|ed|ing)?\ {DEVICE} | web\ search
      # copy, print, store, save
      | photo\ of | photograph\w* | screen\ ?shot\w* | cop(y|ies|ied|ying) | print(s|ed|ing)?
      | back(s|ed|ing)?\ (it|them)\ up | backups? | sav(e|es|ed|ing)\ {THING} | stor(e|es|ed|ing)\ {THING}
      | keep(s|ing)?\ {THING} | kept\ {THING}
      # share, or have it shared
      | send(s|ing)?\ ({THING}|on) | sent\ {THING} | e-?mail(s|ed|ing)?\ {THING} | forward(s|ed|ing)?
      | upload\w* | download\w* | shar(e|es|ed|ing)\ {THING} | pass(es|ed|ing)?\ {THING}\ (round|around)
      | post(s|ed|ing)?\ {THING}
      # delete, or have it deleted
      | delet\w+ | eras(e|es|ed|ing) | wip(e|es|ed|ing) | get(s|ting)?\ rid\ of | factory\ reset
      # promise secrecy, ask for details, name what one has heard
      | promis\w+ | secret\w* | between\ (us|you\ and\ me) | keep\ this\ quiet
      | what\ is\ in\ the | what\ (does|did)\ it\ show | what\ is\ on\ {THING} | describ\w+ | name\ you\ have\ heard
      # blame, shame
      | why\ did\ you | what\ were\ you\ thinking | silly | stupid | ashamed | your\ (own\ )?fault
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
DENIED = re.compile(
    r"\b(not|never|no|nobody|none|nothing|neither|nor|without|cannot|unopened|unseen|stop|stops|stopped"
    r"|instead of|rather than|before|leave|against)\b|n[’']t\b",
    re.IGNORECASE,
)
# By place, what is said there. Nobody is told to do what is never done.
EXCEPTIONS: Mapping[str, tuple[str, ...]] = {
    # What a child or somebody else says, not what staff do.
    "first-five-minutes/tap-the-error/sam-asks": ("Somebody has a photo of me.",),
    "first-five-minutes/tap-the-error/sam-stupid": ("I feel so stupid.",),
    "best-note/words": ("Was told, 'Someone has a photo of me and won't stop.",),
    "first-minutes-match-words/show": ('I believe you.": "Shall I show you?"',),
    "first-minutes-parent-and-phone/father": ("Look at this.",),
    "first-minutes-parent-and-phone/father-two": ("I've sent it to two other fathers already.",),
    "school-device-alert/write-down/plain-record": ("opened the file in his job, shut it, told me.",),
    "record-best-entry/words": ("Ana said: ‘He says he'll post it.",),
    "after-being-told/told-by-whom/friend": ('me.": A friend: "I could get hold of it to show you."',),
    "after-being-told/told-by-whom/colleague": ('with you.": A colleague: "I kept a copy, just in case."',),
    "after-being-told/the-note/quote": ("\"They keep saying they'll post it if I don't answer.\"",),
    "law-and-record/say-or-ask/fault": ('today: "Is it my daughter\'s fault that he sent it on?"',),
    "law-and-record/say-or-ask/delete": ('answer that today: "Shall I delete it from her phone?"',),
    # The right answer is the list of what is never done.
    "never-list/look": ("Look at the image",),
    "never-list/ask-to-send": ("Ask the child to send it to you",),
    "never-list/save-copy": ("Save a copy as proof",),
    "never-even-if-told-to/print": ("Printing the image for a file",),
    "never-even-if-told-to/forward": ("Forwarding it to an office inbox",),
    "never-even-if-told-to/look": ("Looking at it, to judge how bad it is",),
    "agencies-never-for-anyone/own-phone": ("To keep an image on your own phone for a while",),
    "agencies-never-for-anyone/colleague": ("To forward it to a colleague who knows more",),
    "agencies-never-for-anyone/ask": ("To ask a child to send it to you",),
    # The pile, or the answer, says that it is wrong or that it harms.
    "send-it-or-else/where-to/own-up-and-walk": ("\"I was wrong to promise that, and I'm sorry.",),
    "images-backup/copy": ("A backup is a copy, and to secure evidence is for the",),
    "images-help-in-order/friends-hunt": ("It harms: Friends who look for every copy",),
    "images-help-in-order/search": ("It harms: A web search, to see where it has turned up",),
    "images-help-in-order/report-by-staff": ("A member of staff who opens it, in order to report it",),
    "deep-dive-first-call-order/both-talk": ("and every phone is wiped",),
    "deep-dive-first-call-order/sent": ("is asked to send a screenshot",),
    "what-the-law-covers/myth-or-fact/only-public": (
        "only counts once it has been put where anyone can see it",
    ),
    "what-the-law-covers/myth-or-fact/for-evidence": (
        "Myth: Staff may keep a copy, as long as it is evidence",
    ),
    "happening-better-or-worse/wipe": ("It makes it worse: Deleting the chat, to make a new",),
    # After the decision that no agency is needed, or after the police have been asked (§1.4).
    "it-was-funny/copies/by-friday": ("Ask the families to delete it everywhere by Friday, and",),
    "it-was-funny/copies/ask-police-first": ("should become of the copies, and tell the families after",),
    "images-what-goes-with-it/everywhere": ("That it is deleted everywhere, not only on the phone",),
    "images-order-deleting/asked": ("The child is asked to delete it, by a set time",),
    # Keeping the messages, or the device as it is, is the evidence; nobody looks at it.
    "changes-sextortion-advice/keep": ("Keep the messages",),
    "wanting-friends/phone-out/no-thank-you": ("Keep it in your bag, just as it is, and come with me to",),
    "images-alert-on-system/isolate": ("Take it out of use, keep it safe, and tell the",),
    "images-blackmail-messages/keep": ("Keep them, stop contact, and get help",),
    "happening-better-or-worse/keep": ("It helps: Keeping the messages as they are",),
    "ai-and-blackmail/do": ("- **Keep the messages.",),
    "ai-blackmail-adults/do": ("Keep the messages.",),
    "getting-help/do": ("**Keep the messages.",),
    # The case, the risks or the facts are looked at, not an image.
    "risk-and-record/mend-the-record/parents": ("We look at this again at 14.30 today.",),
    "review-when-not-referred/again": ("When you look at it again",),
    "record-in-order/again": ("Look at it again on the day that was set",),
    "record-spot-two/six": ("We look at it again at 14.00.",),
    "record-parents-not-told/reason": ("who decided it, and when it will be looked at again",),
    "record-entry-answers/entry-next": ("Was it followed up?: “We look at it again on Friday at",),
    "record-all-noes-england-wales/full": ("A full look at the risks, the",),
    "together-front-door/looks": ("Looks at it with what others know, and says what happens",),
    "deep-dive-parents-not-told/reasons": ("writing, outside advice, and a time to look at it again",),
    "governors-after-a-case/review": ("Is there a date to look at it again?",),
    "governors-link-visit/dates": ("How do you make sure that each case is looked at again?",),
    "governors-public-photos/who-decides": ("what goes out, and how often is it looked at again?",),
    "governors-no-referral/reasons": ("reasons were written down each time, and looked at again",),
    "governors-policy-lines/plan": ("involved gets a plan and a date to look at it again.",),
    "a-joke-among-friends/checks": ("A day is set to look at it again.",),
    "law-who-chooses-21/police": ("The police, once they have looked at the facts",),
    "law-and-record/talk-with-a-father/two": ("What happened, and why, will be looked at.",),
    "law-and-record/what-can-be-said/looked-at": ('you, and whether anyone pushed you, will be looked at."',),
    "agencies-sc-front-door/look": ("It is looked at with others, as the risk may come from",),
    "one-change/ask-agenda": ("when the board last looked at how nudes and semi-nudes",),
    "review-can-we-keep-it/again": ("A day on which it is looked at again",),
    "police-and-records/scotland-order/plan": ("made for each child, with set dates to look at it again",),
    # Information about a child is shared or kept back, not an image.
    "sharing-information/share-or-not/self-harm": (
        "Share it today: She told you that she has begun to hurt",
    ),
    "sharing-information/share-or-not/threat": ("Share it today: Somebody in her year says that he will",),
    "sharing-information/share-or-not/old-illness": (
        "Keep it, for now: An illness that she had at the age of",
    ),
    "sharing-information/share-or-not/her-words": (
        "Share it today: What she would like to happen at school,",
    ),
    "sharing-information/share-or-not/her-girlfriend": (
        "Keep it, for now: That she has a girlfriend, which",
    ),
    "agencies-share-sort/history": ("Keep it: What her brother was in trouble for, years ago",),
    "agencies-share-sort/health": ("Keep it: A health matter that has nothing to do with it",),
    # What was done in the case, by whom.
    "ai-made-image/taking-it-down/right-tools": ("If she was sent it, sit by without looking while she",),
    "record-critique/critique-review/boy": ("The boy who sent it on has not been questioned.",),
    "already-online/the-warning/plain-notice": ("lines: if you are sent a link like that, leave it shut",),
    "review-does-it-move/older": ("today: The one who was sent it is two years older than",),
    "seeing-every-child/sort-the-cases/trust": ("Each chose to send an image.",),
    "police-and-records/could-it-fit/swapped": ("could fit: Two 15-year-olds each chose to send an image.",),
    "one-change-half-day/both-children": ("ask each time what the child who shared it needs as well",),
    "happening-best-sentence/pressed": ("Leo was pressed by an older boy until he sent an image.",),
    "happening-sort-again/crush": ("Both kept it private.",),
    "law-and-record/which-way/new-friend": ("first: A boy of 14 sent a picture to a friend online.",),
    "one-change-agencies/who-shared": ("ask each time what the child who shared it needs as well",),
    # The words mean something else.
    "agencies-bring-together/say-no": ("Keep them apart safely, and look after both.”",),
    "viewing-and-devices/pressed-to-look/phone-safe": (
        "Then let me see to it that nobody uses the phone until",
    ),
    "wanting-friends/the-talk/open-words": ("Then wait, and let her show you with the cards",),
    "one-change/trigger-card": ("that mean a referral where I will see them in a hurry",),
    "one-change/public-photos": ("go through the photos that we put out in public with",),
    "one-change-half-day/five-triggers": ("the five triggers where I can see them when it matters",),
    "one-change-half-day/policy-images": ("what our policy says on devices, viewing and deletion",),
    "police-and-records/find-out/record": ("What may stay on record, and who may see it",),
}

ACT = (
    rf"(look\ (at|through|inside)|view|open|copy|print|save|store|share|forward|send\ (on|you\ )?{THING}"
    rf"|pass\ {THING}\ (on|round)|delete|wipe|photograph|download|upload|screenshot|promise|check\ {THING}|search"
    rf"|scroll|describe|e-?mail\ {THING}|keep\ (a|the)\ (copy|image|picture)|ask\ (to\ see|what\ is\ in)"
    r"|tell\ (the|all|other)\ (staff|parents|class|colleagues|families))\b"
)
ADVERB = (
    r"((also|then|now|always|first|safely|quickly|briefly|just|simply|still|quietly|please|be\ asked\ to)\ )*"
)
# An order, or leave, to do one of them.
ADVISES = re.compile(
    rf"""^[\W_]*((please|then|now|so|and|first|next|instead|just|always),?\ )?{ACT}
      | \b( can | may | should | must | could | ha(ve|s)\ to | needs?\ to | ought\ to
          | (are|is)\ (free|allowed|right|welcome)\ to
          | (fine|right|all\ right|ok|okay|best|better|safe|lawful|wise|sensible|good|useful|helpful)\ to
          | try\ to | remember\ to | make\ sure\ (that\ )?(you|to) | feel\ free\ to
          | asked?\ (the|a|any|every)\ (child|pupil|student|young\ person|families|parents)\ to
        )\ {ADVERB}{ACT}""",
    re.IGNORECASE | re.VERBOSE,
)
NOT_ADVICE: Mapping[str, tuple[str, ...]] = {
    # It may destroy evidence, or somebody else may see: the reason why not.
    "it-is-not-even-real/offer-to-delete/everyone-delete": (
        "It sounds tidy, but it may wipe out what shows who made",
    ),
    "whole-class/all-delete": ("A mass deletion may wipe out what shows where it came",),
    "never-on-the-coach/all-delete": ("It may wipe out what shows where it came from.",),
    "first-minutes-where-to-write/explanation": ("One place, which few people can open",),
    "in-assembly/the-hall/delete-now": ("But it may wipe out the only sign of who sent it, from",),
    "in-assembly/front-row/hands-up": ("They would all have to open it to tell you.",),
    "ai-made-image/what-about-ours/send-me-one": ("You have asked a child to share it, and you would have",),
    "risk-and-record/body": ("Then look at the rest", "Only those who need it can open it"),
    "wanting-friends/phone-out/block-them": ("But it may wipe the only trace of who they are, and she",),
    "already-online/the-call/mail-it": ("sends the image on again, to a mailbox others may open.",),
    "record-attach-screenshot/locked": ("However few can open it, it is a new copy of an image of",),
    "record-attach-screenshot/blurred": ("To blur it, somebody has to look at it and handle it.",),
    "record-where-kept/explanation": ("and only those who need it can open it",),
    "together-hear-him-first/explanation": ("He may wipe things or put pressure on others.",),
    "together-other-school/child": ("the task on a child, and may wipe out what is needed.",),
    "deep-dive-screenshot-from-other-lead/face-only": ("Somebody would have to open and cut it.",),
    "governors-appeal-evidence/see-blurred": ("And someone would have to copy it first.",),
    "ai-blackmail-adults/body": ("more danger, and it could wipe out what the police need.",),
    "after-being-told/the-note/attached": ("an image of a child, in a record that others can open.",),
    "agencies-worry-over-professional/quiet": ("hides what happened, and may wipe out what is needed.",),
    # To pass on what was said is to tell those who must know, and to share is to share information.
    "first-five-minutes/body": ("Say you have to pass it on, and that they will get help",),
    "can-you-keep-a-secret/at-the-gate/promise": ("is at risk, you must pass it on, and then Ellis will",),
    "promise/explanation": ("early on that you may have to pass it on, and to whom.",),
    "together-need-to-know/explanation": ("Share what is needed, with those who need it, and write",),
    "being-told/body": ("Say that you have to pass it on, and that you will only",),
    "who-does-what/body": ("Share what the other person needs in order to keep a",),
    "police-social-care-health/outcomes": ("Share what keeps a child safe and no more, and be open",),
    "welcome/body": ("share what is needed and no more, and be open with the",),
    "sharing-information/share-or-not/her-girlfriend": (
        "Share it only if her safety depends on it, and tell her",
    ),
    "sharing-information/the-phone-call/explanation": (
        "Share with the person who needs it, and share what they",
    ),
    "agencies-how-much/explanation": ("Share that, write down what and why, and be open with",),
    "changes-scotland-advice/keep-quiet": ("Explain that you have to pass it on.",),
    "review-scotland-ird/explanation": ("social work and others may share what they know and plan",),
    # A promise that can be kept.
    "ai-made-image/lena-comes/gone-by-tonight": ("Promise help, and not what you can't do.",),
    "deleting-and-removing/body": ("What you can promise is that the child won't be alone",),
    "images-is-it-all-gone/cannot-promise": ("Promise what you can keep.",),
    "law-safe-to-say/explanation": ("Promise what you can give, such as your care.",),
    "law-21-and-records/explanation": ("Promise nothing.",),
    # What an offender says.
    "send-it-or-else/title": ('"Send it, or I\'ll tell everyone"',),
    "across-settings/body": ('"Send it, or the first one goes round.',),
    # The facts, the policy or oneself is looked at, not an image.
    "what-changed/body": ("- Look at your",),
    "first-minutes-parent-and-phone/explanation": ("Look at nothing and name nobody.",),
    "it-was-funny/half-held": ("Look at the notes below, if there are any.",),
    "safe-with-me/asked-and-answered": ("Look at your answers once more, though:",),
    "policy-review/body": ("Look at which edition of the guidance it names.",),
    "governors-policy-old/explanation": ("Look at the edition it names.",),
    "seeing-every-child/sort-the-cases/explanation": ("Look at the girl who wanted a friend.",),
    "when-facts-change/body": ("Look at that again on set dates.",),
    "when-facts-change/does-it-change/forwarded": ("Look at every trigger again, speak to the",),
    "with-the-school/body": ("And look at *how you look*:",),
    "law-and-record/body": ("It may send them looking for something that does not",),
    # The words mean something else.
    "changes-two-governors/search": ("Search results on these words hold traps.",),
    "ai-and-blackmail/body": ("are usually told early, and here that may save a life:",),
    "risk-and-record/which-reasons-hold/asked-apart": ("Others could check it.",),
    "governors-child-who-shared/agree": ("It may send the message that it is safer not to tell.",),
    "images-and-you/body": ("a rare exception under which a school may view an image.",),
    "viewing-and-devices/body": ("country's law says who may search or take a phone, if",),
    "what-the-law-covers/body": ("Check it with somebody who knows.",),
}

_SENTENCE = re.compile(r"(?<=[.!?])[*_\"”’')]*\s+|\n\s*\n|\n\s*(?=[-*]\s|\d+\.\s)")
_PARTS = re.compile(r"(?<=[.!?:])[*_\"”’')]*\s+|\n\s*\n|\n\s*[-*]\s+|\n\s*\d+\.\s+")
_DO = re.compile(r"^::: do\n(.*?)^:::$", re.MULTILINE | re.DOTALL)
_NEVER_BOX = re.compile(r"^::: never\n.*?^:::$", re.MULTILINE | re.DOTALL)


def to_be_done() -> Iterator[Said]:
    """All that somebody is to choose or do."""
    yield from (said for said in responding.everything_said() if said.voice == "right")
    for lesson in responding.distinct(Lesson):
        yield from (Said(f"{lesson.slug}/do", box, "right") for box in _DO.findall(lesson.body))


def against_it(said: Said) -> Iterator[str]:
    """The sentences that name what is never done, and do not deny it first."""
    for sentence in _SENTENCE.split(said.text):
        if any(not DENIED.search(sentence[: found.start()]) for found in NEVER.finditer(sentence)):
            yield " ".join(sentence.split())


def advised(said: Said) -> Iterator[str]:
    """The sentences that order or allow what is never done. What stands in a `never` box does neither."""
    for sentence in _PARTS.split(_NEVER_BOX.sub("", said.text)):
        plain = " ".join(sentence.split())
        if any(not DENIED.search(plain[: found.start()]) for found in ADVISES.finditer(plain)):
            yield plain


def check(exceptions: Mapping[str, tuple[str, ...]], hits: Iterator[tuple[str, str]]) -> None:
    """No hit but the exceptions, and no exception without its hit."""
    used: set[tuple[str, str]] = set()
    wrong: dict[tuple[str, str], None] = {}
    for place, sentence in hits:
        known = [part for part in exceptions.get(place, ()) if part in sentence]
        used.update((place, part) for part in known)
        if not known:
            wrong[place, sentence] = None
    assert list(wrong) == []
    assert {(place, part) for place, parts in exceptions.items() for part in parts} - used == set()


def test_nothing_that_is_to_be_done_goes_against_a_never_item() -> None:
    """Good choices, right answers, cards where they belong, `do` boxes, checks and resolutions."""
    check(EXCEPTIONS, ((said.place, s) for said in to_be_done() for s in against_it(said)))


def test_nothing_that_the_course_says_advises_against_a_never_item() -> None:
    """Lessons, intros, reasons, feedback, explanations, findings and debriefs."""
    ours = [said for said in responding.everything_said() if said.voice == "ours"]
    assert len(ours) > 5000
    check(NOT_ADVICE, ((said.place, s) for said in ours for s in advised(said)))


def test_no_recommended_path_goes_against_a_never_item() -> None:
    """Every choice on a recommended path is one of those looked through above."""
    looked_through = {said.place for said in to_be_done()}
    for scenario in responding.distinct(Scenario):
        for step in position(scenario, scenario.recommended).taken:
            assert f"{scenario.slug}/{step.node.id}/{step.choice.id}" in looked_through


@pytest.mark.parametrize(
    "advice",
    [
        "Look at it quickly, so that you know what it is",
        "Take a screenshot for the DSL",
        "Print it and put it in the file",
        "Save the picture somewhere safe",
        "Ask the child to send it to you",
        "Forward it to the DSL",
        "Ask them to delete it before home time. Do not wait",
        "Tell the girl that it stays between us",
        "Ask: what is in the picture?",
        "Ask gently: why did you do it?",
        "Check her phone, and do not tell the others",
    ],
)
def test_advice_against_a_never_item_is_seen(advice: str) -> None:
    assert list(against_it(Said("here", advice, "right")))


@pytest.mark.parametrize(
    "advice",
    [
        "You can look at it once, to be sure.",
        "Delete it, and then tell the DSL.",
        "- Save it somewhere safe.",
        "It is fine to open the link on a school computer.",
        "Staff should then copy the chat for the file.",
        "Make sure you search the phone first.",
    ],
)
def test_an_order_or_leave_to_do_it_is_seen(advice: str) -> None:
    assert list(advised(Said("here", advice, "ours")))


@pytest.mark.parametrize(
    "advice",
    ["Never look at it.", "Nobody may copy it.", "Tell the DSL, without opening it.", "Don't delete it."],
)
def test_what_is_denied_is_no_advice(advice: str) -> None:
    assert not list(against_it(Said("here", advice, "right")))
    assert not list(advised(Said("here", advice, "ours")))


def test_every_never_item_is_told_as_never_to_all_staff() -> None:
    """Content-facts §2: what no learner may leave without, in the short module as in the half day."""
    for form in ("all-staff-awareness", "half-day"):
        for module in responding.variants_of(form):
            told = {claim.id for claim in module.claims}
            assert told >= {
                "tell-dsl",
                "never-view",
                "seen-by-accident",
                "do-not-delete",
                "no-details",
                "keep-it-private",
                "no-blame",
                "explain-and-reassure",
                "adult-involved",
                "no-secrecy",
                "record-own-words",
                "device",
                "anyone-may-refer",
            }, (form, module.nation, module.audience)
