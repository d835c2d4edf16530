"""Which networks a table of ImageNet-RIB shows, in which order, and what their groups of rows are called."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

NETWORK = ["distribution", "architecture", "method"]


def rows_shown(facts: pd.DataFrame, table: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of the networks and methods that a table shows, after the last epoch.

    `NETWORK` become categories, so that grouping by them has the order of the table.
    """
    order = {"distribution": table["networks"], "architecture": table["architectures"], "method": table["methods"]}
    for column, names in order.items():
        facts = facts[facts[column].isin(list(names))]
        facts = facts.assign(**{column: pd.Categorical(facts[column], list(names))})
    return facts[facts["epoch"] == facts.groupby(NETWORK, observed=True)["epoch"].transform("max")]


def network_title(network: tuple[Hashable, ...], table: Mapping[str, Any]) -> str:
    """Return the heading of the rows of a network, as `NETWORK` names it."""
    distribution, architecture, method = network
    return f"{table['networks'][distribution]}, {architecture}, {table['methods'][method]}"
