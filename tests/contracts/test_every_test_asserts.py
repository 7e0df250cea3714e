import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
EXPECTING = ("raises", "warns", "deprecated_call")


def find_without_assertion(source: str) -> list[tuple[int, str]]:
    """Line and name of every test function in which nothing is asserted."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [
        (function.lineno, function.name)
        for function in functions
        if function.name.startswith("test") and not any(asserts(node) for node in ast.walk(function))
    ]


def asserts(node: ast.AST) -> bool:
    """True for an assert of something that can be false, pytest.raises and its kin, and a call of an assert_* one."""
    if isinstance(node, ast.Assert):
        return not isinstance(node.test, ast.Constant)
    if not isinstance(node, ast.Call):
        return False
    name = called_name(node.func)
    return name.startswith(("assert_", "_assert_")) or name in EXPECTING


def called_name(function: ast.expr) -> str:
    """`raises` for both `raises(...)` and `pytest.raises(...)`."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_every_test_asserts():
    faults = [
        f"{path.relative_to(TESTS.parent)}:{line}: {name} asserts nothing"
        for path in sorted(TESTS.rglob("test_*.py"))
        for line, name in find_without_assertion(path.read_text(encoding="utf-8"))
    ]

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "body",
    [
        "assert 1 + 1 == 2",
        "with pytest.raises(ValueError): f()",
        "with raises(ValueError): f()",
        "with pytest.warns(UserWarning): f()",
        "assert_close(f(), 2)",
        "np.testing.assert_allclose(f(), 2)",
        "_assert_same(f(), 2)",
        "for x in y:\n        assert x",
    ],
)
def test_an_assertion_is_seen_in_every_form(body):
    assert find_without_assertion(f"def test_a():\n    {body}\n") == []


@pytest.mark.parametrize(
    "body", ["f()", "pass", "assert True", "assert 'never false'", "raise ValueError", "assertive = f()"]
)
def test_a_test_without_one_is_named_with_its_line(body):
    assert find_without_assertion(f"import x\n\ndef test_a():\n    {body}\n") == [(3, "test_a")]


def test_methods_and_coroutines_are_looked_at_and_helpers_are_not():
    source = "def helper(): pass\nclass TestA:\n    def test_b(self): pass\nasync def test_c(): pass\n"

    assert sorted(find_without_assertion(source)) == [(3, "test_b"), (4, "test_c")]
