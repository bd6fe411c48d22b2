"""What the VLE grants to a tool: the scopes of its services, and the claims of a person's identity."""

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"

LINE_ITEM = AGS + "lineitem"
LINE_ITEM_READONLY = AGS + "lineitem.readonly"
RESULT_READONLY = AGS + "result.readonly"
SCORE = AGS + "score"
MEMBERSHIP_READONLY = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"

AGS_SCOPES = (LINE_ITEM, LINE_ITEM_READONLY, RESULT_READONLY, SCORE)
GRANTED_SCOPES = frozenset((*AGS_SCOPES, MEMBERSHIP_READONLY))

IDENTITY_CLAIMS = ("name", "given_name", "family_name", "email")
