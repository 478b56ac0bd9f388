"""Settings: read from the environment, safe by default. See docs/configuration.md."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config import embedded, secret_values, single_sign_on
from core.safe_headers import HSTS_SECONDS

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

# Where it runs
DEBUG = env.bool("DEBUG", default=False)
BIND = env.str("BIND", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
BASE_URL = env.str("BASE_URL", default=f"http://localhost:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
if not ALLOWED_HOSTS:
    ALLOWED_HOSTS = [
        "localhost",
        "127.0.0.1",
        "[::1]",
        urlsplit(BASE_URL).hostname or "localhost",
    ]
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".data"))).absolute()

# Postgres and Redis: the embedded servers of DATA_DIR unless an address is given
USES_EMBEDDED_POSTGRES = not env.str("DATABASE_URL", default="")
USES_EMBEDDED_REDIS = not env.str("REDIS_URL", default="")
DATABASE_URL = env.str("DATABASE_URL", default="") or embedded.database_url(DATA_DIR)
REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url(DATA_DIR)
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
# Who sees which rows is told to Postgres: see orgs/reach.py.
DATABASES["default"]["ENGINE"] = "orgs.postgres"
# django-environ leaves a socket directory in the host part percent-encoded.
DATABASES["default"]["HOST"] = unquote(DATABASES["default"]["HOST"])
# Under ASGI each request has a thread of its own: kept connections would pile up.
DATABASES["default"]["CONN_MAX_AGE"] = 0
# A server that vanished without a word is noticed within half a minute (libpq's names).
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    **DATABASES["default"].get("OPTIONS", {}),
}
CACHES = {
    "default": {
        "BACKEND": "config.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tokenhouse",
    }
}
CELERY_BROKER_URL = embedded.celery_url(REDIS_URL)

# Secrets
_secrets = secret_values.load_secrets(
    environment=env.ENVIRON,
    local_file=DATA_DIR / "secrets.env",
    may_create=USES_EMBEDDED_POSTGRES,
)
SECRET_KEY = _secrets["SECRET_KEY"]
KEY_PEPPER = _secrets["KEY_PEPPER"]
ENCRYPTION_KEYS = _secrets["ENCRYPTION_KEYS"]
# Whether the application logs in as a role of its own, and with which password: else
# with one that follows from KEY_PEPPER.
DATABASE_ROLES = env.bool("DATABASE_ROLES", default=True)
DATABASE_APP_PASSWORD = secret_values.optional_secret(
    env.ENVIRON, "DATABASE_APP_PASSWORD"
)
METRICS_TOKEN = secret_values.optional_secret(env.ENVIRON, "METRICS_TOKEN")
if METRICS_TOKEN:
    secret_values.refuse_repeated({**_secrets, "METRICS_TOKEN": METRICS_TOKEN})

# Funding: the four numbers of the domain
TRIAL_CREDIT_USD = Decimal(env.str("TRIAL_CREDIT_USD", default="5"))
TRIAL_CREDIT_MONTHS = env.int("TRIAL_CREDIT_MONTHS", default=3)
DEFAULT_APPROVED_LIMIT_USD = Decimal(
    env.str("DEFAULT_APPROVED_LIMIT_USD", default="120")
)

# Invoices: who sells, and on which terms. Issued ones keep what they say.
SELLER_NAME = env.str("SELLER_NAME", default="Tokenhouse")
SELLER_ADDRESS = env.list("SELLER_ADDRESS", default=[])
SELLER_TAX_ID = env.str("SELLER_TAX_ID", default="")
INVOICE_TAX_PERCENT = Decimal(env.str("INVOICE_TAX_PERCENT", default="0"))
INVOICE_TAX_NAME = env.str("INVOICE_TAX_NAME", default="Tax")
INVOICE_NUMBER_PREFIX = env.str("INVOICE_NUMBER_PREFIX", default="INV-")
CREDIT_NOTE_NUMBER_PREFIX = env.str("CREDIT_NOTE_NUMBER_PREFIX", default="CN-")
INVOICE_DUE_DAYS = env.int("INVOICE_DUE_DAYS", default=30)

# Comparison with providers' bills
RECONCILIATION_DAYS = env.int("RECONCILIATION_DAYS", default=31)
RECONCILIATION_TOLERANCE_PERCENT = Decimal(
    env.str("RECONCILIATION_TOLERANCE_PERCENT", default="1")
)
RECONCILIATION_TOLERANCE_CENTS = env.int("RECONCILIATION_TOLERANCE_CENTS", default=1)

# Payment by card: off unless all three are set
_stripe = secret_values.stripe_keys(env.ENVIRON)
STRIPE_SECRET_KEY = _stripe["STRIPE_SECRET_KEY"]
STRIPE_PUBLISHABLE_KEY = _stripe["STRIPE_PUBLISHABLE_KEY"]
STRIPE_WEBHOOK_SECRET = _stripe["STRIPE_WEBHOOK_SECRET"]
STRIPE_API_BASE = "https://api.stripe.com"

# What is taken in; see config/receipt.py and config/console.py for the rest
REQUEST_RECEIPT_TIMEOUT_S = env.float("REQUEST_RECEIPT_TIMEOUT_S", default=15.0)
PAGE_STATEMENT_TIMEOUT_S = env.float("PAGE_STATEMENT_TIMEOUT_S", default=15.0)
CONSOLE_BODY_MAX_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = CONSOLE_BODY_MAX_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
# No page takes files.
DATA_UPLOAD_MAX_NUMBER_FILES = 0
FILE_UPLOAD_HANDLERS: list[str] = []

# Admin API
ADMIN_API_REQUESTS_PER_MINUTE = env.int("ADMIN_API_REQUESTS_PER_MINUTE", default=600)

# Gateway
PROVIDER_ALLOWED_NETWORKS = env.list("PROVIDER_ALLOWED_NETWORKS", default=[])
GATEWAY_DRAIN_S = env.float("GATEWAY_DRAIN_S", default=60.0)
GATEWAY_BODY_TIMEOUT_S = env.float("GATEWAY_BODY_TIMEOUT_S", default=300.0)
GATEWAY_BODY_MAX_BYTES = env.int("GATEWAY_BODY_MAX_BYTES", default=32 * 1024 * 1024)
GATEWAY_BODIES_MAX_BYTES = env.int(
    "GATEWAY_BODIES_MAX_BYTES", default=128 * 1024 * 1024
)
GATEWAY_UPLOAD_MAX_BYTES = env.int(
    "GATEWAY_UPLOAD_MAX_BYTES", default=128 * 1024 * 1024
)
GATEWAY_UPLOADS_MAX_BYTES = env.int(
    "GATEWAY_UPLOADS_MAX_BYTES", default=2 * 1024 * 1024 * 1024
)
GATEWAY_UPLOAD_FOLDER = env.str("GATEWAY_UPLOAD_FOLDER", default="")
IDEMPOTENCY_WAIT_S = env.float("IDEMPOTENCY_WAIT_S", default=60.0)
UPSTREAM_TIMEOUT_S = env.float("UPSTREAM_TIMEOUT_S", default=600.0)
RATE_LIMIT_TIMEOUT_S = env.float("RATE_LIMIT_TIMEOUT_S", default=0.1)
SWEEP_INTERVAL_S = env.float("SWEEP_INTERVAL_S", default=10.0)
REFUSALS_KEPT_DAYS = env.int("REFUSALS_KEPT_DAYS", default=90)
SANDBOX_PACE = env.bool("SANDBOX_PACE", default=True)

# People
SIGNUP = env.str("SIGNUP", default="invite")
if SIGNUP not in ("open", "invite"):
    raise ImproperlyConfigured("SIGNUP must be open or invite.")
INVITATION_VALID_DAYS = 7
INVITATIONS_PER_DAY = env.int("INVITATIONS_PER_DAY", default=100)
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", default="").rstrip("/")
OIDC_NAME = env.str("OIDC_NAME", default="Single sign-on")
NIGHTLY_PROOFS = env.bool("NIGHTLY_PROOFS", default=True)
AUDIT_ANCHORS_TO = env.list("AUDIT_ANCHORS_TO", default=[])
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

# Mail
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL",
    default=f"Tokenhouse <tokenhouse@{urlsplit(BASE_URL).hostname or 'localhost'}>",
)
MAIL_REPLY_TO = env.str("MAIL_REPLY_TO", default="")
_email = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
MAIL_LEADS_NOWHERE = EMAIL_BACKEND.split(".")[-2] != "smtp"
EMAIL_HOST = _email.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _email.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _email.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _email.get("EMAIL_FILE_PATH") or None
EMAIL_TIMEOUT = 20

# Django
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "django_htmx",
    "config",
    "orgs",
    "keys",
    "usage",
    "billing",
    "gateway",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "orgs.session_life.end_old_session",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.readable_forms.refuse_unreadable",
    "orgs.arrival.note_origin",
    "orgs.arrival.set_reach",
    "orgs.arrival.show_times_of_reader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orgs.context.page",
                "billing.context.scope_limits",
                "usage.context.recent_traffic",
            ],
            "builtins": [
                "core.templatetags.moments",
                "core.templatetags.money",
                "core.templatetags.parts",
            ],
        },
    }
]
AUTH_USER_MODEL = "orgs.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name}
    for name in (
        "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "django.contrib.auth.password_validation.MinimumLengthValidator",
        "django.contrib.auth.password_validation.CommonPasswordValidator",
        "orgs.passwords.ContextWordsValidator",
    )
]
PASSWORD_RESET_TIMEOUT = 3600
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "orgs.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "orgs.sign_up.NameForm"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# By a code, not a link: whoever signed up with another's address waits in vain for
# the other to follow a link.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 600
ACCOUNT_EMAIL_VERIFICATION_MAX_RESEND_COUNT = 3
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_ADAPTER = "keys.two_factor.TwoFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Tokenhouse"
SOCIALACCOUNT_ADAPTER = "orgs.adapter.SingleSignOnAdapter"
# The operator chose the provider: an address that it verified is the person's.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_PROVIDERS = single_sign_on.providers(
    server_url=OIDC_SERVER_URL,
    name=OIDC_NAME,
    client_id=env.str("OIDC_CLIENT_ID", default=""),
    secret=secret_values.optional_secret(env.ENVIRON, "OIDC_CLIENT_SECRET"),
)

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# Browser safety; what needs TLS follows the scheme of BASE_URL
IS_HTTPS = BASE_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_HSTS_SECONDS = HSTS_SECONDS if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_SECURE = IS_HTTPS
# Browsers take such a name from this host alone, over TLS alone.
COOKIE_PREFIX = "__Host-" if IS_HTTPS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# The operator's admin
UNFOLD = {
    "SITE_TITLE": "Tokenhouse operator",
    "SITE_HEADER": "Tokenhouse",
    "SITE_SUBHEADER": "Operator's admin",
    "SITE_URL": "/",
    "SITE_ICON": "/static/icons/logo.svg",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "/static/icons/favicon.svg"}
    ],
    "COLORS": {
        "primary": {
            "50": "#eef0ff",
            "100": "#e0e4ff",
            "200": "#c7ceff",
            "300": "#a5b4ff",
            "400": "#8290f5",
            "500": "#5f70e4",
            "600": "#4257cf",
            "700": "#3546b4",
            "800": "#2c3c9e",
            "900": "#273479",
            "950": "#181f49",
        }
    },
    "SHOW_HISTORY": False,
    "SIDEBAR": {"show_search": True, "show_all_applications": False},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "config.log_lines.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        # A line for every request, and for every turn of periodic work, would bury
        # all others.
        "httpx2": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # It would tell each request.
        "stripe": {"level": "WARNING"},
    },
}
