"""Builds the object graph once from the configuration; the only place where adapters are chosen."""

from appliance.bootstrap.appliance import Appliance, build_appliance, open_appliance
from appliance.bootstrap.road import MACHINES, Road, open_road
from appliance.bootstrap.scanning import compile_rules, log_mask
from appliance.bootstrap.service_role import service_url_of

__all__ = [
    "MACHINES",
    "Appliance",
    "Road",
    "build_appliance",
    "compile_rules",
    "log_mask",
    "open_appliance",
    "open_road",
    "service_url_of",
]
