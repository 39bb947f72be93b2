"""Django's settings, all derived from the environment (``env.py``)."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from fangkong.config import env, sign_in_env, sqlite
from fangkong.config.demo_day import stored_day

sqlite.use_newest()

ENVIRONMENT = env.read()
SIGN_IN = sign_in_env.read()
PACKAGE = Path(__file__).resolve().parent.parent

FANGKONG_DATA = ENVIRONMENT.data
FANGKONG_AREA = ENVIRONMENT.home_area
FANGKONG_PACKS = ENVIRONMENT.packs
FANGKONG_KEYS = ENVIRONMENT.keys
# The demonstration keeps its day beside its database, so that `fangkong run` finds it again.
FANGKONG_TODAY = ENVIRONMENT.today or stored_day(ENVIRONMENT.data)
FANGKONG_DEMO = (ENVIRONMENT.data / "demo.json").is_file()
# Inner hosts that outgoing requests may reach (core.outbound).
FANGKONG_OUTBOUND_ALLOW = ENVIRONMENT.outbound_allow | sign_in_env.reached(SIGN_IN)
# The daemon that is asked about every uploaded file (core.files).
FANGKONG_CLAMAV = ENVIRONMENT.clamav
# Mail goes to one server, chosen by the operator (core.notices).
if ENVIRONMENT.mail is not None:
    EMAIL_HOST, EMAIL_PORT = ENVIRONMENT.mail.host, ENVIRONMENT.mail.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = ENVIRONMENT.mail.user, ENVIRONMENT.mail.password
    EMAIL_USE_TLS = ENVIRONMENT.mail.tls == "start"
    EMAIL_USE_SSL = ENVIRONMENT.mail.tls == "whole"
DEFAULT_FROM_EMAIL = ENVIRONMENT.mail_from or "fangkong@localhost"
# Backups: where the nightly one goes, with which key, how many stay (decision 0016).
FANGKONG_BACKUP_TO = ENVIRONMENT.backup_to
FANGKONG_BACKUP_KEY = ENVIRONMENT.backup_key
FANGKONG_BACKUP_KEEP = ENVIRONMENT.backup_keep
FANGKONG_OUTBOX_DAYS = ENVIRONMENT.outbox_days
# Watching: who may read the figures, whether each request leaves a line, what is slow (0020).
FANGKONG_METRICS_TOKEN = ENVIRONMENT.metrics_token
FANGKONG_METRICS_LOCAL = ENVIRONMENT.metrics_local
FANGKONG_ACCESS_LOG = ENVIRONMENT.access_log
FANGKONG_SLOW_MS = ENVIRONMENT.slow_ms
# Whether large files get a second process (core.aside); by itself where there is a core for it.
FANGKONG_HELPER = ENVIRONMENT.helper
# Whether each transaction may get another connection of PostgreSQL (core.messages).
FANGKONG_POOLED = ENVIRONMENT.pooled

DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = list(ENVIRONMENT.hosts)
CSRF_TRUSTED_ORIGINS = list(ENVIRONMENT.origins)
ROOT_URLCONF = "fangkong.config.urls"
ASGI_APPLICATION = "fangkong.config.asgi.application"
WSGI_APPLICATION = "fangkong.config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _secret_key() -> str:
    """The key from the environment, or one made once and kept beside the data."""
    if ENVIRONMENT.secret_key:
        return ENVIRONMENT.secret_key
    path = FANGKONG_DATA / "secret.key"
    if path.is_file():
        return path.read_text().strip()
    key = secrets.token_urlsafe(50)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(key)
    except OSError as problem:
        raise env.WrongSetting(
            f"{path.parent} cannot be written ({problem.strerror}): free some space, or set "
            "FANGKONG_DATA to a folder that you may write to"
        ) from None
    return key


SECRET_KEY = _secret_key()

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "fangkong.core",
    "fangkong.places",
    "fangkong.accounts",
    "fangkong.people",
    "fangkong.tasks",
    "fangkong.supplies",
    "fangkong.surveillance",
    "fangkong.web",
    # After our rooms, whose words win where both translate the same.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
]

MIDDLEWARE = [
    "fangkong.core.watch.middleware.Watch",  # first: it times all the others
    "fangkong.core.headers.Headers",
    "fangkong.core.shedding.Shed",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "fangkong.core.headers.PagePolicy",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "fangkong.core.middleware.RequestFacts",
    "fangkong.accounts.sign_in.guard.SignInGuard",
]

# A part keeps its templates and static files in its own folder: room/part/templates.
PART_TEMPLATES = sorted(str(path) for path in PACKAGE.glob("*/*/templates"))
STATICFILES_DIRS = sorted(
    str(path) for path in PACKAGE.glob("*/*/static") if path.parent.name != "ui"
)

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # web first: its pages take the place of those that packages bring.
        "DIRS": [str(PACKAGE / "web" / "templates"), *PART_TEMPLATES],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "fangkong.web.context.shell",
            ],
        },
    }
]

FORM_RENDERER = "fangkong.core.pages.drawing.Renderer"


# Milliseconds. A lost client or a runaway question must not hold others up for ever. A pool refuses
# what is told at the connecting: there the role has them (docs/running.md).
TIMEOUTS = (
    "-c statement_timeout=120000 -c lock_timeout=20000 "
    "-c idle_in_transaction_session_timeout=120000"
)


def _database() -> dict[str, Any]:
    database: dict[str, Any] = dict(dj_database_url.parse(ENVIRONMENT.database_url))
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: no acknowledged write is lost in a power cut (decision 0002).
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA foreign_keys=ON; PRAGMA mmap_size=134217728; "
            "PRAGMA journal_size_limit=27103364; PRAGMA cache_size=-20000;",
        }
        # Opening it reads the whole schema with its triggers, which cost more than a page.
        database["CONN_MAX_AGE"] = 600
        # A file, not memory: the journeys' server and their browser share it.
        database["TEST"] = {"NAME": str(FANGKONG_DATA / "test.sqlite3")}
    else:
        database["CONN_HEALTH_CHECKS"] = True
        # Each transaction may have another of the pool's connections: none keeps anything.
        database["DISABLE_SERVER_SIDE_CURSORS"] = ENVIRONMENT.pooled
        database["OPTIONS"] = {
            **({} if ENVIRONMENT.pooled else {"options": TIMEOUTS}),
            **database.get("OPTIONS", {}),
            # A pool that cannot connect pauses longer and longer: it gives up after a second, and
            # the next request tries anew, so that work goes on soon after the database is back.
            "pool": {"min_size": 1, "max_size": 10, "timeout": 4, "reconnect_timeout": 1},
        }
    return database


DATABASES = {"default": _database()}

if ENVIRONMENT.redis_url:
    CACHES = {
        "default": {
            "BACKEND": "fangkong.core.cache.PatientRedis",
            "LOCATION": ENVIRONMENT.redis_url,
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

TASKS = {
    "default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "outside"]}
}

# --- Signing in ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_PROFILE = SIGN_IN.password_profile
AUTH_PASSWORD_VALIDATORS = sign_in_env.validators(PASSWORD_PROFILE)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_ADAPTER = "fangkong.accounts.adapter.StaffAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # the guard keeps this session and ends the others
# Tries are counted in our own table: it holds across processes and without Redis (decision 0012).
ACCOUNT_RATE_LIMITS = False
MFA_RATE_LIMITS = False
MFA_ADAPTER = "fangkong.accounts.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = "Fangkong"
MFA_FORMS = {
    "authenticate": "fangkong.accounts.sign_in.forms.CodeForm",
    "reauthenticate": "fangkong.accounts.sign_in.forms.CodeAgainForm",
    "activate_totp": "fangkong.accounts.sign_in.forms.FirstCodeForm",
}
SOCIALACCOUNT_ADAPTER = "fangkong.accounts.single_sign_on.SingleSignOn"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_PROVIDERS = sign_in_env.providers(SIGN_IN)
FANGKONG_OIDC_CLAIM = SIGN_IN.oidc_claim
FANGKONG_OIDC_TRUST_MFA = SIGN_IN.oidc_trusts_mfa
FANGKONG_PROXIES = SIGN_IN.proxies
FANGKONG_IDLE_MINUTES = SIGN_IN.idle_minutes
FANGKONG_IDLE_MINUTES_WARD = SIGN_IN.idle_minutes_ward
FANGKONG_SESSION_HOURS = SIGN_IN.session_hours
FANGKONG_SEPARATE_ADMINISTRATORS = SIGN_IN.separate_administrators
SESSION_COOKIE_AGE = SIGN_IN.session_hours * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "fangkong.web.errors.csrf_failure"

# --- What the browser may do --------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF, "blob:"],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        # A form that leads on to the identity provider counts as sent there.
        "form-action": [SELF, *sign_in_env.form_targets(SIGN_IN)],
        "frame-ancestors": [NONE],
        # No script may turn text into markup but through these two (decision 0004).
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["htmx", "default"],
        # Breaches are counted (core.violations); report-uri is for browsers without report-to.
        "report-uri": ["/core/violations/"],
        "report-to": "csp",
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if ENVIRONMENT.secure:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
# Whether browsers carry the domain in their list for ever is up to who owns it.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
# A stocktake of 2,000 lots, or a plan for 1,100 stores, is one form; Django's 1,000 stop it.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
# A larger request is refused before any of it is read.
FANGKONG_LARGEST_REQUEST = 64 * 1024 * 1024

# --- Languages and time -------------------------------------------------------------------------
LANGUAGE_CODE = ENVIRONMENT.language
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = ENVIRONMENT.time_zone
# Rooms bring their own catalogues; the settings have texts too.
LOCALE_PATHS = [str(PACKAGE / "config" / "locale")]
USE_TZ = True
FORMAT_MODULE_PATH = ["fangkong.config.formats"]

# --- Files --------------------------------------------------------------------------------------
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
# The build already names its files by content; those may be kept for ever.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+-[0-9A-Za-z_-]{8,}\.(js|css|svg|woff2)$"
MEDIA_ROOT = FANGKONG_DATA / "media"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request": {"()": "fangkong.core.logs.RequestId"},
        "no_alarm": {"()": "fangkong.core.logs.NoAlarm"},
    },
    "formatters": {"json": {"()": "fangkong.core.logs.JsonLines"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "filters": ["request", "no_alarm"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "fangkong": {"level": "INFO"},
        # In debugging they write down the values of a page and of a statement, names among them.
        "django.template": {"level": "INFO"},
        "django.db.backends": {"level": "INFO"},
        # It repeats every attempt; the command says once that the database does not answer.
        "psycopg.pool": {"level": "ERROR"},
    },
}
