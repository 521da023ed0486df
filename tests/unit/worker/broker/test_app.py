"""The application: settings that keep messages from being lost, and a broker that must answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from db.errors import UnavailableError, UsageError
from worker.broker.app import check, create_app, waiting_messages
from worker.broker.messages import LABEL_JOB, LABEL_QUEUE, label_job
from worker.broker.settings import BrokerSettings
from worker.broker.url import mask

if TYPE_CHECKING:
    from celery import Celery

# Port 9 of this machine: nothing listens there.
DEAD = "redis://:hush@127.0.0.1:9/0"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", False),
        ("task_retry_on_worker_lost", False),
        ("task_acks_on_failure", True),
        ("task_acks_on_timeout", True),
        ("task_soft_time_limit", 240),
        ("task_time_limit", 300),
        ("task_ignore_result", True),
        ("task_serializer", "json"),
        ("accept_content", ["json"]),
        ("worker_pool", "prefork"),
        ("worker_pool_start_method", "spawn"),
        ("worker_concurrency", 1),
        ("worker_prefetch_multiplier", 1),
        ("worker_cancel_long_running_tasks_on_connection_loss", False),
        ("worker_soft_shutdown_timeout", 30),
        ("worker_proc_alive_timeout", 60),
        ("worker_send_task_events", True),
        ("worker_max_tasks_per_child", 2000),
        ("broker_connection_retry", True),
        ("broker_connection_retry_on_startup", True),
        ("broker_connection_max_retries", None),
        ("visibility_timeout", 900),
    ],
)
def test_settings_that_keep_messages(app: Celery, name: str, value: object) -> None:
    """Each setting that a lost or doubled message was traced to has the value that prevents it."""
    assert app.conf[name] == value


def test_the_transport_has_timeouts(app: Celery) -> None:
    """A dead socket ends in an error and a dead worker's message comes back within seconds."""
    assert app.conf.broker_transport_options == {
        "visibility_timeout": 900,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }


def test_a_message_stays_invisible_for_longer_than_a_task_lasts() -> None:
    """However long tasks may take, nobody else gets the message before they are killed."""
    app = create_app(DEAD, BrokerSettings(task_time_limit=60))
    assert (app.conf.task_soft_time_limit, app.conf.task_time_limit) == (48, 60)
    assert app.conf.broker_transport_options["visibility_timeout"] == 180


def test_making_an_application_connects_to_nothing() -> None:
    """The application of a broker that is away can be made, and is nobody's default."""
    assert create_app(DEAD, BrokerSettings()).main == "kaolabel"


def test_a_broker_that_answers_passes(app: Celery) -> None:
    """The check of a live Redis says nothing."""
    check(app)


def test_a_broker_that_is_away_is_told_without_its_password() -> None:
    """The line names the broker and what to do, and masks the password."""
    with pytest.raises(UnavailableError) as caught:
        check(create_app(DEAD, BrokerSettings()))
    assert "redis://:***@127.0.0.1:9/0 does not answer" in str(caught.value)
    assert "check KAOLABEL_BROKER_URL" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["amqp://guest:hush@host//", "memory://", "http://host", "", "redis"]
)
def test_other_brokers_are_refused(url: str) -> None:
    """Only Redis is spoken here; what is refused is not quoted, as it may hold a password."""
    with pytest.raises(UsageError, match="is no redis:// or rediss:// URL") as caught:
        create_app(url, BrokerSettings())
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hush@host:port/0",
        "redis://:hush/hush@host/0",
        "redis://:12/hush@host/0",
        "redis://me:12#hush@host/0",
        "rediss://:12?hush@host/0",
        "redis://[hush/0",
    ],
)
def test_urls_that_cannot_be_read_are_refused(url: str) -> None:
    """A slip in the URL is one line without any piece of the password, not a traceback."""
    with pytest.raises(UsageError, match="KAOLABEL_BROKER_URL cannot be read") as caught:
        create_app(url, BrokerSettings())
    assert "hush" not in str(caught.value)


def test_options_in_the_url_are_refused() -> None:
    """Kombu would let `ssl_cert_reqs=none` take any certificate for good."""
    with pytest.raises(UsageError, match="ends in options"):
        create_app("rediss://:hush@host/0?ssl_cert_reqs=none", BrokerSettings())


def test_messages_are_counted(app: Celery) -> None:
    """Waiting messages are counted, also where the queue does not exist yet."""
    assert waiting_messages(app) == 0
    for job in range(3):
        app.send_task(LABEL_JOB, kwargs=label_job(job))
    assert waiting_messages(app) == 3


def test_the_queue_has_a_name_of_its_own(app: Celery) -> None:
    """Labelling messages go to a queue that other applications on the same Redis do not read."""
    assert app.conf.task_default_queue == LABEL_QUEUE == "kaolabel.label"
    assert [queue.name for queue in app.conf.task_queues] == [LABEL_QUEUE]


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:pw@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://me:pw@host/1?x=y", "rediss://me:***@host/1?x=y"),
        ("redis+socket:///tmp/redis.sock", "redis+socket:///tmp/redis.sock"),
    ],
)
def test_passwords_are_masked(url: str, masked: str) -> None:
    """Only the password is hidden; without one nothing changes."""
    assert mask(url) == masked


def test_settings_print_no_password() -> None:
    """A password in the URL is not in the text of the settings."""
    settings = BrokerSettings(broker_url=SecretStr(DEAD))
    assert "hush" not in repr(settings)
    assert not settings.embedded
    assert BrokerSettings().embedded
