"""URL rules to routes: ``/login/<t>/otp``, ``/static/<digest>/<path:name>``.

One look-up gives the route, its rule (what logs and metrics call it) and the variable parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from idp.web.edge import Route


@dataclass(frozen=True, slots=True)
class Found:
    """A route, its rule, and the variable parts of the path by name."""

    rule: str
    route: Route
    variables: Mapping[str, str] = field(default_factory=dict)


class Router:
    """Finds the route of a path (WSGI's ``PATH_INFO``). Segments are never empty."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._fixed = {
            rule: Found(rule, route) for rule, route in routes.items() if "<" not in rule
        }
        self._variable: dict[str, list[tuple[tuple[str, ...], str, Route]]] = {}
        for rule, route in routes.items():
            if "<" in rule:
                parts = tuple(rule.split("/"))
                self._variable.setdefault(parts[1], []).append((parts, rule, route))

    def find(self, path: str) -> Found | None:
        """The route that serves ``path``, or None."""
        found = self._fixed.get(path)
        if found is not None:
            return found
        parts = path.split("/")
        for rule_parts, rule, route in self._variable.get(parts[1], ()) if parts[1:] else ():
            variables = _match(rule_parts, parts)
            if variables is not None:
                return Found(rule, route, variables)
        return None


def _match(rule: tuple[str, ...], path: list[str]) -> dict[str, str] | None:
    """The variable parts of a path that fits a rule."""
    if rule[-1].startswith("<path:"):
        path = [*path[: len(rule) - 1], "/".join(path[len(rule) - 1 :])]
    if len(rule) != len(path):
        return None
    variables = dict[str, str]()
    for wanted, given in zip(rule, path, strict=True):
        if wanted.startswith("<") and given:
            name = wanted[1:-1].removeprefix("path:")
            variables[name] = given.encode("latin-1").decode("utf-8", "replace")
        elif wanted != given:
            return None
    return variables
