"""What `celery -A monitor.flower.entry flower` loads: reads the environment, makes the application.

Together with `worker/entry.py` and `training/entry.py` the only module with side effects at import.
"""

from __future__ import annotations

from monitor.flower.app import create_flower_app
from worker.broker.logs import set_up_logs
from worker.broker.settings import BrokerSettings

set_up_logs()
_broker = BrokerSettings()
_url = _broker.require_url("Flower needs a broker: set KAOLABEL_BROKER_URL")
app = create_flower_app(_url, _broker)
# Flower asks for results of the application that is the current one.
app.set_default()
app.set_current()
