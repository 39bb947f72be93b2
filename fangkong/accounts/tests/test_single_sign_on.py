"""Single sign-on against an identity provider that is honest, or lies in one way after another."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.urls import reverse
from django.utils import translation
from jwt.algorithms import RSAAlgorithm

from fangkong.accounts import probes
from fangkong.accounts.models import SignIn, User
from fangkong.accounts.sign_in.types import Outcome
from fangkong.accounts.tests import factories
from fangkong.config import sign_in_env
from fangkong.config.env import WrongSetting
from fangkong.core.roles import Role
from fangkong.core.watch import doctor
from fangkong.core.watch.types import Line, Tone

pytestmark = pytest.mark.django_db
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ANOTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Idp:
    """A small identity provider; a test changes what it says."""

    def __init__(self) -> None:
        self.claims: dict[str, object] = {}
        self.described: dict[str, object] = {}
        self.token: object = None  # a whole answer in place of the right one
        self.sign = lambda claims: jwt.encode(claims, KEY, "RS256", headers={"kid": "one"})
        self.asked: list[str] = []
        self.posted: dict[str, list[str]] = {}
        idp = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                idp.asked.append(self.path)
                self._say(idp.description() if "well-known" in self.path else idp.keys())

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                idp.posted = parse_qs(self.rfile.read(length).decode())
                self._say(idp.answer())

            def _say(self, what: object) -> None:
                body = json.dumps(what).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *said: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def description(self) -> dict[str, object]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/ask",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.described,
        }

    def keys(self) -> dict[str, object]:
        key = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": "one", "use": "sig"}]}

    def answer(self) -> object:
        now = int(time.time())
        claims = {
            "iss": self.url, "sub": "subject-1", "aud": "fangkong", "iat": now, "exp": now + 300,
            "name": "扎西", **self.claims,
        }  # fmt: skip
        right = {"access_token": "a", "token_type": "Bearer", "id_token": self.sign(claims)}
        return right if self.token is None else self.token


@pytest.fixture
def idp(settings) -> Iterator[Idp]:
    made = Idp()
    source = {
        "FANGKONG_OIDC_ISSUER": made.url,
        "FANGKONG_OIDC_CLIENT_ID": "fangkong",
        "FANGKONG_OIDC_CLIENT_SECRET": "s" * 40,
    }
    settings.SIGN_IN = sign_in_env.read(source)
    settings.SOCIALACCOUNT_PROVIDERS = sign_in_env.providers(settings.SIGN_IN)
    settings.FANGKONG_OUTBOUND_ALLOW = sign_in_env.reached(settings.SIGN_IN)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def zhaxi(areas):
    """Linked, without a password; the role sees no personal data."""
    member = factories.staff(Role.STORE_KEEPER, area=areas["513300"], username="zhaxi")
    SocialAccount.objects.create(user=member, provider="sso", uid="subject-1")
    return member


def begin(client, **more):
    """The way to the provider: its address's questions."""
    client.cookies["django_language"] = "en"
    answer = client.post(reverse("single_sign_on"), more)
    assert answer.status_code == 302, answer.content.decode()
    return {name: one for name, (one,) in parse_qs(urlsplit(answer.url).query).items()}


def come_back(client, idp, **more):
    asked = begin(client)
    idp.claims.setdefault("nonce", asked["nonce"])
    back = {"code": "c", "state": asked["state"], **more}
    return client.get(reverse("single_sign_on_back"), back)


def is_in(client):
    return client.get(reverse("accounts:roles")).status_code == 200


def test_a_linked_account_comes_in_and_its_claims_are_not_kept(client, idp, zhaxi):
    answer = come_back(client, idp)

    assert (answer.status_code, answer.url) == (302, "/")
    assert is_in(client)
    assert SignIn.objects.get(outcome=Outcome.IN).factor == "idp"
    assert SocialAccount.objects.get().extra_data == {}
    assert idp.posted["code_verifier"]
    assert idp.posted["redirect_uri"] == [f"http://testserver{reverse('single_sign_on_back')}"]


def test_the_way_there_carries_state_nonce_and_pkce_and_leads_back_to_the_page(client, idp, zhaxi):
    wanted = reverse("accounts:roles")
    asked = begin(client, next=wanted)

    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) > 20
    assert asked["redirect_uri"].endswith(reverse("single_sign_on_back"))
    idp.claims["nonce"] = asked["nonce"]
    back = {"code": "c", "state": asked["state"]}
    assert client.get(reverse("single_sign_on_back"), back).url == wanted


def test_the_next_page_is_never_on_another_host(client, idp, zhaxi):
    asked = begin(client, next="https://evil.example/")
    idp.claims["nonce"] = asked["nonce"]

    back = {"code": "c", "state": asked["state"]}
    assert client.get(reverse("single_sign_on_back"), back).url == "/"


def hs256(claims):
    return jwt.api_jws.encode(json.dumps(claims).encode(), b"k" * 40, "HS256", {"kid": "one"})


def hs256_of_the_public_key(claims):
    """Signed by what everybody knows, for a reader that takes any algorithm."""
    import base64
    import hashlib
    import hmac

    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    head = {"alg": "HS256", "typ": "JWT", "kid": "one"}
    signed = part(json.dumps(head).encode()) + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.digest(PUBLIC, signed, hashlib.sha256))).decode()


def another_key(claims):
    return jwt.encode(claims, ANOTHER, "RS256", headers={"kid": "one"})


def unknown_kid(claims):
    return jwt.encode(claims, KEY, "RS256", headers={"kid": "two"})


def unsigned(claims):
    return jwt.encode(claims, "", "none", headers={"kid": "one"})


def claims_of_ec(claims):
    _head, body, signature = jwt.encode(claims, KEY, "RS256", headers={"kid": "one"}).split(".")
    forged = jwt.utils.base64url_encode(b'{"alg":"ES256","kid":"one"}').decode()
    return f"{forged}.{body}.{signature}"


@pytest.mark.parametrize(
    "sign",
    [unsigned, hs256, hs256_of_the_public_key, another_key, unknown_kid, claims_of_ec,
     lambda claims: "nonsense", lambda claims: 7],
)  # fmt: skip
def test_a_token_that_the_provider_did_not_sign_opens_nothing(client, idp, zhaxi, sign):
    idp.sign = sign

    assert_refused(client, idp)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": ["fangkong", "another"]},
        {"aud": ["fangkong", "another"], "azp": "another"},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"iat": 9_999_999_999, "exp": 9_999_999_999},
        {"nonce": "of-another-sign-in"},
        {"nonce": None},
        {"sub": ""},
        {"sub": "x" * 300},
        {"sub": 5},
    ],
    ids=str,
)
def test_a_token_for_another_moment_client_or_sign_in_opens_nothing(client, idp, zhaxi, claims):
    idp.claims = dict(claims)

    assert_refused(client, idp)


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "nonce"])
def test_a_token_that_leaves_something_out_opens_nothing(client, idp, zhaxi, missing):
    honest = idp.sign
    idp.sign = lambda claims: honest({k: v for k, v in claims.items() if k != missing})

    assert_refused(client, idp)


@pytest.mark.parametrize(
    "token", [{}, [], 7, {"access_token": "a"}, {"access_token": "a", "expires_in": "soon"}]
)
def test_an_answer_without_a_token_opens_nothing(client, idp, zhaxi, token):
    idp.token = token

    assert_refused(client, idp)


def assert_refused(client, idp):
    accounts = User.objects.count()
    answer = come_back(client, idp)

    assert answer.status_code == 401
    assert "could not be accepted" in answer.content.decode()
    assert not is_in(client)
    assert User.objects.count() == accounts
    assert SocialAccount.objects.count() == 1


def test_the_answer_to_another_browser_or_an_old_one_opens_nothing(client, idp, zhaxi):
    assert come_back(client, idp, state="of-somebody-else").status_code == 401
    assert not is_in(client)

    asked = begin(client)
    idp.claims["nonce"] = asked["nonce"]
    back = {"code": "c", "state": asked["state"]}
    assert client.get(reverse("single_sign_on_back"), back).status_code == 302
    client.post(reverse("account_logout"))
    assert client.get(reverse("single_sign_on_back"), back).status_code == 401
    assert not is_in(client)


def test_a_token_is_not_taken_twice(client, idp, zhaxi):
    assert come_back(client, idp).status_code == 302
    client.post(reverse("account_logout"))

    assert come_back(client, idp).status_code == 401  # with the nonce of the first time
    assert not is_in(client)


def test_a_subject_whom_nobody_linked_is_told_so_and_gets_no_account(client, idp, zhaxi):
    idp.claims = {"sub": "subject-2", "preferred_username": "zhaxi"}
    accounts = User.objects.count()
    answer = come_back(client, idp)

    assert answer.url == reverse("account_login")
    assert "not linked" in client.get(answer.url).content.decode()
    assert not is_in(client)
    assert (User.objects.count(), SocialAccount.objects.count()) == (accounts, 1)


def test_a_chosen_claim_links_whom_nobody_linked_before_and_nobody_else(
    client, idp, zhaxi, areas, settings
):
    settings.FANGKONG_OIDC_CLAIM = "preferred_username"
    factories.staff(Role.STORE_KEEPER, area=areas["513300"], username="zhuoma")
    idp.claims = {"sub": "subject-2", "preferred_username": "zhaxi"}
    assert come_back(client, idp).status_code == 409
    assert not is_in(client)

    idp.claims = {"sub": "subject-2", "preferred_username": "zhuoma"}
    assert come_back(client, idp).url == "/"
    assert is_in(client)
    assert SocialAccount.objects.get(uid="subject-2").user.username == "zhuoma"


def test_a_closed_account_stays_closed(client, idp, zhaxi):
    User.objects.filter(pk=zhaxi.pk).update(is_active=False)
    answer = come_back(client, idp)

    assert answer.url == reverse("account_inactive")
    assert not is_in(client)


@pytest.mark.parametrize(("trusted", "goes_on"), [(True, True), (False, False)])
def test_the_providers_second_factor_counts_only_where_the_operator_says_so(
    client, idp, areas, settings, trusted, goes_on
):
    settings.FANGKONG_OIDC_TRUST_MFA = trusted
    member = factories.staff(Role.COUNTY_CDC, area=areas["513326"], username="cdc")
    SocialAccount.objects.create(user=member, provider="sso", uid="subject-1")
    idp.claims = {"amr": ["pwd", "otp"]}
    come_back(client, idp)

    assert (client.get(reverse("people:index")).status_code == 200) is goes_on


def test_who_gives_up_there_is_back_at_signing_in(client, idp, zhaxi):
    asked = begin(client)
    answer = client.get(
        reverse("single_sign_on_back"), {"error": "access_denied", "state": asked["state"]}
    )

    assert answer.url == reverse("account_login")
    assert not is_in(client)


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": 7},
    ],
    ids=str,
)
def test_a_provider_that_describes_itself_wrongly_is_not_followed(client, idp, zhaxi, described):
    idp.described = described
    answer = client.post(reverse("single_sign_on"))

    assert answer.url == reverse("account_login")
    assert not is_in(client)


def test_a_provider_cannot_send_the_server_to_an_inner_address(client, idp, zhaxi):
    idp.described = {"jwks_uri": "http://169.254.169.254/keys"}

    assert_refused(client, idp)
    assert "/keys" not in idp.asked


def test_a_silent_provider_is_said_to_be_silent(client, idp, zhaxi, settings):
    gone = replace(settings.SIGN_IN, oidc_issuer="http://127.0.0.1:9")
    settings.SIGN_IN = gone
    settings.SOCIALACCOUNT_PROVIDERS = sign_in_env.providers(gone)
    settings.FANGKONG_OUTBOUND_ALLOW = sign_in_env.reached(gone)
    client.cookies["django_language"] = "en"
    answer = client.post(reverse("single_sign_on"), follow=True)

    assert "does not answer" in answer.content.decode()


def test_without_a_provider_there_is_no_such_page(client, db):
    assert client.post(reverse("single_sign_on")).status_code == 404
    assert client.get(reverse("single_sign_on_back")).status_code == 404


def test_who_has_no_password_is_told_where_to_change_it(client, idp, zhaxi):
    come_back(client, idp)
    answer = client.get(reverse("account_change_password"), follow=True)

    assert answer.status_code == 200
    assert "no password here" in answer.content.decode()


# --- Settings and the doctor ----------------------------------------------------------------------

TRIO = {
    "FANGKONG_OIDC_ISSUER": "https://sso.example/realms/health",
    "FANGKONG_OIDC_CLIENT_ID": "fangkong",
    "FANGKONG_OIDC_CLIENT_SECRET": "s" * 40,
}


@pytest.mark.parametrize("left_out", TRIO)
def test_single_sign_on_without_one_of_its_three_settings_is_told_at_the_start(left_out):
    with pytest.raises(WrongSetting) as problem:
        sign_in_env.read({name: value for name, value in TRIO.items() if name != left_out})

    assert f"{left_out} is missing" in str(problem.value)
    assert "s" * 40 not in str(problem.value)


@pytest.mark.parametrize("alone", [*TRIO, "FANGKONG_OIDC_TRUST_MFA", "FANGKONG_OIDC_NAME"])
def test_one_setting_of_single_sign_on_alone_is_told(alone):
    with pytest.raises(WrongSetting, match="Set all three, or none"):
        sign_in_env.read({alone: TRIO.get(alone, "1")})


@pytest.mark.parametrize("given", [{}, TRIO, {**TRIO, "FANGKONG_OIDC_NAME": "州卫健委"}])
def test_all_three_settings_or_none_are_right(given):
    assert bool(sign_in_env.providers(sign_in_env.read(given))) == bool(given)


def examined() -> list[Line]:
    return [one for one in doctor.examine() if one.title == "Single sign-on"]


@pytest.fixture
def english():
    with translation.override("en"):
        yield


@pytest.mark.usefixtures("english")
def test_the_doctor_reads_the_description_of_the_identity_provider(idp):
    (line,) = examined()

    assert (line.tone, line.said) == (Tone.OK, idp.url)
    assert idp.asked == ["/.well-known/openid-configuration"]


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    "described",
    [{"issuer": "https://elsewhere.example"}, {"token_endpoint": ""}, {"jwks_uri": "file:///x"}],
)
def test_the_doctor_says_where_the_description_is_of_another_issuer(idp, described):
    idp.described = described

    (line,) = examined()

    assert line.tone == Tone.BAD
    assert "is not the description of this issuer" in line.said
    assert line.todo == "Write the issuer as its own description names it."


@pytest.mark.usefixtures("english")
def test_the_doctor_says_where_nobody_answers_and_what_to_do(idp):
    idp.server.shutdown()
    idp.server.server_close()

    (line,) = examined()

    assert line.tone == Tone.BAD and line.said.startswith(idp.url)
    assert "Check FANGKONG_OIDC_ISSUER" in str(line.todo)


def test_the_doctor_reaches_no_inner_address_that_is_not_allowed(idp, settings):
    settings.FANGKONG_OUTBOUND_ALLOW = frozenset()

    lines = [one for one in doctor.examine() if idp.url in one.said]

    assert [one.tone for one in lines] == [Tone.BAD]
    assert idp.asked == []


def test_without_single_sign_on_the_doctor_has_nothing_to_say_of_it():
    assert probes._single_sign_on() is None
