"""Which nodes of a graph can begin."""

from collections.abc import Collection, Mapping


def ready(upstream: Mapping[str, Collection[str]], ended: Collection[str], running: Collection[str]) -> list[str]:
    """The nodes that have not begun and whose upstream nodes have all ended, in the graph's order.

    Args:
        upstream: ids of the nodes that a node waits for, by node, in the graph's order.
        ended: ids of the nodes that are done.
        running: ids of the nodes that have begun and are not done.
    """
    begun = {*ended, *running}
    return [node for node, needed in upstream.items() if node not in begun and begun - {*running} >= {*needed}]
