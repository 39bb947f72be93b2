"""What went wrong with a message to the outside, in words; records keep its name alone."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

_SLOW = _("The other side did not answer in time.")
_NOBODY = _("Nobody answers at this address. Check the address, and whether the other side runs.")
_CERTIFICATE = _("The certificate of the other side is not trusted. Have it renewed.")
_WORDS = {
    "NotAccepted": _("The other side answered, and did not take the message."),
    "TooSlow": _SLOW,
    "TimeoutError": _SLOW,
    "TooLarge": _("The answer of the other side is too large."),
    "NotReached": _NOBODY,
    "ConnectionRefusedError": _NOBODY,
    "gaierror": _("No such host was found. Check the address."),
    "WrongAddress": _("This address cannot be used. Correct it."),
    "InnerAddress": _("The address leads to an inner network, where nothing is sent."),
    "NotOneLine": _("The text or the address of the reader has more than one line."),
    "SMTPAuthenticationError": _("The mail server does not accept the user name or password."),
    "SMTPRecipientsRefused": _("The mail server does not know the address of the reader."),
    "SMTPServerDisconnected": _("The mail server broke the connection off."),
    "SSLError": _CERTIFICATE,
    "SSLCertVerificationError": _CERTIFICATE,
}


def told(name: str) -> str:
    """A sentence for the name of a problem; the name itself where there is none for it."""
    return str(_WORDS.get(name, name))
