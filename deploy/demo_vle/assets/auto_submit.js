// OAuth 2.0 Form Post Response Mode: the one form of the page sends itself.
document.forms[0].submit();
